"""An information system publishes by the universal API with a token of its own: what it may, and what it may not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import record
from ckanext.kzopen.core.outbox import Message
from ckanext.kzopen.core.people.systems import System, actor_of, keeping, tokens
from ckanext.kzopen.core.people.systems.described import Described
from ckanext.kzopen.core.people.systems.model import EVERYTHING
from ckanext.kzopen.publishing import notices

from tests.publishing.conftest import SCHOOLS, Agency, Api, passport

ADMIN = "an-account"
Issue = Callable[..., str]


def system_of(agency: Agency, datasets: list[str] | None = None) -> System:
    told = Described(name="Тізілім", bin="000140000012", contact="Бөлім", email="data@example.org", datasets=datasets)
    system = keeping.register(model.Session, agency.id, told, ADMIN)
    model.Session.commit()
    return system


def here(system: System) -> System:
    """The system in the session of now: a request in this process ends the one before."""
    found: System = model.Session.merge(system)
    return found


def token_of(
    system: System, addresses: tuple[str, ...] = (), days: float = 30, may: tuple[str, ...] = EVERYTHING
) -> tuple[tokens.Token, str]:
    wish = tokens.Wish(datetime.now(UTC) + timedelta(days=days), addresses, may=may)
    found = tokens.issue(model.Session, here(system), wish, ADMIN)
    model.Session.commit()
    return found


@pytest.fixture
def system(agency: Agency) -> System:
    """A system for all data sets of the agency."""
    return system_of(agency)


@pytest.fixture
def by_system(app: CKANTestApp, system: System) -> Api:
    """The API with the system's token, as HTTP clients send it."""
    return Api(app, f"Bearer {token_of(system)[1]}")


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_a_system_makes_a_data_set_and_publishes_it(by_system: Api, system: System, agency: Agency) -> None:
    name = f"by-system-{agency.name}"
    assert by_system.put(name, passport(agency.name)).status_code == 201

    delivery = by_system.delivery(name, SCHOOLS)

    assert delivery["state"] == "accepted"
    actor = actor_of(system)
    package = model.Package.get(name)
    told = record.events(model.Session, kind="dataset", object_id=package.id)
    assert [(event.actor, event.agency) for event in told] == [(actor, agency.id)]
    sent = record.events(model.Session, kind="delivery", object_id=delivery["id"], verb="create")
    assert [(event.actor, event.agency) for event in sent] == [(actor, agency.id)]


def test_what_a_system_had_checked_only_it_may_publish(by_system: Api, uri: str) -> None:
    number = by_system.delivery(uri, SCHOOLS, "?check=only")["id"]

    answer = by_system.decided(by_system.call("POST", f"/deliveries/{number}/approve"))

    assert answer.json["state"] == "accepted"


def test_a_persons_api_token_goes_on_working(api: Api, uri: str) -> None:
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"


def test_another_agencys_data_set_is_not_the_systems(app: CKANTestApp, other_agency: Agency, uri: str, agency: Agency) -> None:
    stranger = Api(app, token_of(system_of(other_agency))[1])

    assert code(stranger.post(uri, SCHOOLS)) == (403, "publishing.not_the_owner")
    assert code(stranger.put(uri, passport(agency.name))) == (403, "publishing.not_the_owner")
    assert code(stranger.put("new-one", passport(agency.name))) == (403, "publishing.not_the_owner")


def test_a_system_for_named_data_sets_changes_only_those(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    api.put(other := f"other-{uri}", passport(agency.name))
    held = Api(app, token_of(system_of(agency, [model.Package.get(uri).id]))[1])

    assert held.delivery(uri, SCHOOLS)["state"] == "accepted"
    assert held.post(other, SCHOOLS).status_code == 403
    assert held.put(other, passport(agency.name)).status_code == 403
    assert code(held.put(f"new-{uri}", passport(agency.name))) == (403, "publishing.not_the_owner")


def test_a_delivery_of_another_data_set_is_not_told_to_a_system_for_named_ones(
    app: CKANTestApp, api: Api, agency: Agency, uri: str
) -> None:
    number = api.delivery(uri, SCHOOLS)["id"]
    held = Api(app, token_of(system_of(agency, ["another"]))[1])

    assert code(held.get(f"/deliveries/{number}")) == (403, "publishing.not_readable")


def test_a_system_reads_its_agencys_private_data_set_and_no_others(
    app: CKANTestApp, by_system: Api, other_agency: Agency, uri: str
) -> None:
    package = model.Package.get(uri)
    package.private = True
    model.Session.commit()

    assert by_system.get(f"/datasets/{uri}").status_code == 200
    stranger = Api(app, token_of(system_of(other_agency))[1])
    assert code(stranger.get(f"/datasets/{uri}")) == (404, "publishing.unknown_dataset")


def test_a_token_from_a_wrong_address_is_refused_with_an_event(app: CKANTestApp, system: System, uri: str) -> None:
    token, secret = token_of(system, ("203.0.113.0/24",))

    answer = Api(app, secret, "ru").post(uri, SCHOOLS)

    assert code(answer) == (403, "systems.wrong_address")
    assert "127.0.0.1" in answer.json["detail"]
    told = record.events(model.Session, kind="system_token", object_id=str(token.id), verb="refuse_address")
    assert [(event.address, event.agency) for event in told] == [("127.0.0.1", system.agency_id)]


def test_an_expired_and_a_revoked_token_are_refused(app: CKANTestApp, system: System, uri: str) -> None:
    _, expired = token_of(system, days=-1)
    revoked, secret = token_of(system)
    tokens.revoke(model.Session, here(system), revoked, ADMIN)
    model.Session.commit()

    assert code(Api(app, expired).post(uri, SCHOOLS)) == (401, "systems.token_expired")
    assert code(Api(app, secret).post(uri, SCHOOLS)) == (401, "systems.token_revoked")
    assert code(Api(app, "kzs_guessed").post(uri, SCHOOLS)) == (401, "systems.unknown_token")


def test_during_the_overlap_both_tokens_publish(app: CKANTestApp, system: System, uri: str) -> None:
    old, old_secret = token_of(system)
    wish = tokens.Wish(datetime.now(UTC) + timedelta(days=30))
    _, new_secret = tokens.rotate(model.Session, here(system), old, wish, timedelta(hours=1), ADMIN)
    model.Session.commit()

    for secret in (old_secret, new_secret):
        assert Api(app, secret).delivery(uri, SCHOOLS)["state"] == "accepted"


def test_a_closed_system_publishes_no_more_even_what_waits(by_system: Api, system: System, uri: str) -> None:
    keeping.close(model.Session, here(system), ADMIN)
    model.Session.commit()

    assert by_system.post(uri, SCHOOLS).status_code == 401


def test_a_systems_token_is_none_for_ckans_own_api(app: CKANTestApp, system: System, agency: Agency) -> None:
    client = app.test_client(use_cookies=False)
    headers = {"Authorization": token_of(system)[1]}

    answer = client.post("/api/3/action/package_create", headers=headers, json={"name": "x-1", "owner_org": agency.id})

    assert answer.status_code == 403


def test_the_last_use_is_told(app: CKANTestApp, system: System, uri: str) -> None:
    token, secret = token_of(system)
    Api(app, secret).get(f"/datasets/{uri}")

    model.Session.expire_all()
    found = model.Session.get(tokens.Token, UUID(str(token.id)))
    assert found is not None
    assert found.last_address == "127.0.0.1"


@pytest.mark.parametrize(("state", "followers"), [("accepted", ["dataset.version"]), ("refused", [])])
def test_a_system_is_told_no_news_of_what_it_sent_but_followers_are(
    by_system: Api, api: Api, uri: str, agency: Agency, state: str, followers: list[str]
) -> None:
    name = f"by-system-{agency.name}"
    assert by_system.put(name, passport(agency.name)).status_code == 201
    concerned = ["sender", *(["followers"] if followers else [])]

    def kinds(delivery: str) -> list[str]:
        message = Message(0, "delivery.tried", delivery, {"to": state, "notify": concerned}, datetime.now(UTC))
        return [one.kind for one in notices.told(model.Session, message)]

    assert kinds(by_system.delivery(name, SCHOOLS)["id"]) == followers
    assert kinds(api.delivery(uri, SCHOOLS)["id"]) == ["delivery.state", *followers]
