"""Harvested tables that wait for a person: offered once, counted and told, and after a refusal when a person says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan import model
from ckanext.kzopen.publishing.model import Delivery, passport_of
from sqlalchemy import func, select

from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, table

WAITS, REFUSED = "harvest.needs_decision", "harvest.was_refused"


def decide(harvest: Harvest, item: dict[str, Any], way: str) -> None:
    api = Api(harvest.app, harvest.agency.token)
    body = json.dumps({"reason": "These are last year's figures"} if way == "refuse" else {})
    answer = api.call("POST", f"/deliveries/{item['delivery']}/{way}", data=body, content_type="application/json")
    assert api.decided(answer).status_code in (200, 422), answer.json


def deliveries(item: dict[str, Any]) -> int:
    """How many deliveries were made of an item."""
    session = model.Session()
    session.rollback()
    passport = passport_of(session, item["uri"])
    assert passport
    return session.scalar(select(func.count()).where(Delivery.package_id == passport.package_id)) or 0


def outcome(changed: int = 0, unchanged: int = 0, added: int = 0) -> dict[str, int]:
    seen = changed + unchanged + added
    return {"seen": seen, "added": added, "changed": changed, "unchanged": unchanged, "removed": 0, "failed": 0}


@pytest.mark.parametrize("changed", ["1", None], ids=["by its date", "by ETag"])
def test_what_waits_or_was_refused_is_offered_again_only_when_a_person_says_so(
    harvest: Harvest, catalogue: Catalogue, changed: str | None
) -> None:
    catalogue.fill(2)
    for thing in catalogue.things.values():
        thing.changed = changed
    harvest.ready("json_api", catalogue.settings(), defaults={"approve": True})
    first = harvest.run()
    assert (counts(first), first["waiting"]) == (outcome(added=2), 2)
    again = harvest.run()
    assert (counts(again), again["waiting"]) == (outcome(unchanged=2), 2)
    kept, lost = harvest.items(again)
    assert [(item["error"], deliveries(item)) for item in (kept, lost)] == [(WAITS, 1), (WAITS, 1)]

    decide(harvest, lost, "refuse")
    assert harvest.get(f"/runs/{again['id']}").json["waiting"] == 1
    assert [item["guid"] for item in harvest.items(again, "waiting")] == [kept["guid"]]
    assert [item["error"] for item in harvest.items(again)] == [WAITS, REFUSED]
    third = harvest.run()
    assert (counts(third), third["waiting"]) == (outcome(unchanged=2), 1)
    assert [(item["error"], deliveries(item)) for item in harvest.items(third)] == [(WAITS, 1), (REFUSED, 1)]

    fresh = harvest.post(f"/runs/{third['id']}/retry", guids=[kept["guid"], lost["guid"]])
    (offered,) = harvest.items(harvest.ended(fresh.json["id"]))
    assert (offered["guid"], offered["error"], deliveries(offered), deliveries(kept)) == (lost["guid"], WAITS, 2, 1)

    decide(harvest, offered, "approve")
    assert len(harvest.rows(offered)) == 4
    last = harvest.run()
    assert (counts(last), last["waiting"]) == (outcome(unchanged=2), 1)


def test_what_waits_and_is_found_again_is_not_sent_a_second_time(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(1)
    harvest.ready("json_api", catalogue.settings(), defaults={"approve": True}, threshold=1)
    item = harvest.items(harvest.run())[0]
    thing = catalogue.things.pop("set-000")
    assert counts(harvest.run())["removed"] == 1
    catalogue.things["set-000"] = thing
    back = harvest.run()
    assert (counts(back), back["waiting"], deliveries(item)) == (outcome(added=1), 1, 1)
    thing.body, thing.changed = table(4), "2"
    newer = harvest.run()
    assert (counts(newer), newer["waiting"], deliveries(item)) == (outcome(changed=1), 1, 2)
