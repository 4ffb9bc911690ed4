"""What stops a delivery, who may decide on it, and what becomes of it: through the API, with the real worker."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import record
from ckanext.kzopen.core.people.assignments.change import assign
from ckanext.kzopen.publishing import index, rules

from tests.publishing.conftest import PASSWORD, SCHOOLS, Agency, Api, passport
from tests.publishing.test_personal import IIN
from tests.publishing.test_systems import system_of, token_of

HEADER = b"bin,name,pupils\n"
FIELDS = [
    {"name": "bin", "type": "string"},
    {"name": "name", "type": "string"},
    {"name": "mail", "type": "string"},
]
MAILS = "bin,name,mail\n1,Гимназия,somebody@example.org\n2,Лицей,another@example.org\n".encode()


def colleague(app: CKANTestApp, agency: Agency, role: str) -> Api:
    """Another person of the agency, with one role of ours."""
    mark = f"{agency.name}-{role}".replace("_", "-")
    with app.flask_app.test_request_context():
        free = {"ignore_auth": True, "user": ""}
        user = tk.get_action("user_create")(dict(free), {"name": mark, "email": f"{mark}@example.org", "password": PASSWORD})
        assign(model.Session, user["id"], role, agency.id, "system:tests")
        model.Session.commit()
        token = tk.get_action("api_token_create")(dict(free), {"user": user["name"], "name": "test"})["token"]
    return Api(app, token)


def act(api: Api, number: str, verb: str, reason: str | None = "Тексерілді") -> Any:
    body = json.dumps({"reason": reason}) if reason is not None else ""
    return api.call("POST", f"/deliveries/{number}/{verb}", data=body, content_type="application/json")


def decided(api: Api, answer: Any) -> Any:
    assert answer.status_code in (200, 202), answer.json
    return api.decided(answer).json if answer.status_code == 202 else answer.json


@pytest.fixture
def mails(api: Api, uri: str, agency: Agency) -> str:
    """A data set with a column for e-mails."""
    name = f"mails-{uri}"
    assert api.put(name, passport(agency.name, FIELDS, ["bin"])).status_code == 201
    return name


@pytest.mark.parametrize("mode", ["replace", "append", "upsert"])
def test_personal_data_go_into_quarantine_with_the_column_named(api: Api, mails: str, mode: str) -> None:
    assert api.delivery(mails, "bin,name,mail\n9,Мектеп,\n".encode())["state"] == "accepted"

    delivery = api.delivery(mails, MAILS, f"?mode={mode}")

    assert (delivery["mode"], delivery["state"], delivery["version"]) == (mode, "quarantined", None)
    assert [(stop["kind"], stop["params"]) for stop in delivery["stops"]] == [
        ("personal", {"column": "mail", "what": "email", "count": 2})
    ]
    assert api.get(f"/datasets/{mails}").json["version"]["number"] == 1


def test_numbers_of_people_in_a_column_of_numbers_go_into_quarantine(api: Api, agency: Agency, uri: str) -> None:
    name, fields = f"sums-{uri}", [{"name": "id", "type": "string"}, {"name": "sum", "type": "number"}]
    assert api.put(name, passport(agency.name, fields, ["id"])).status_code == 201

    delivery = api.delivery(name, f"id,sum\n1,{IIN[0]}\n2,{IIN[1]}.0\n3,0.5\n".encode())

    assert delivery["state"] == "quarantined"
    assert [stop["params"] for stop in delivery["stops"]] == [{"column": "sum", "what": "iin", "count": 2}]


def test_a_release_publishes_with_its_reason_in_the_log(app: CKANTestApp, api: Api, agency: Agency, mails: str) -> None:
    number = api.delivery(mails, MAILS)["id"]
    approver = colleague(app, agency, "approver")

    told = decided(approver, act(approver, number, "release", "Мектептердің ресми пошталары"))

    assert (told["state"], told["version"]["number"]) == ("accepted", 1)
    assert told["decision_reason"] == "Мектептердің ресми пошталары"
    (event,) = record.events(model.Session, kind="delivery", object_id=number, verb="release")
    assert event.reason == "Мектептердің ресми пошталары"


def test_a_release_needs_a_reason_and_the_right(app: CKANTestApp, api: Api, agency: Agency, mails: str) -> None:
    number = api.delivery(mails, MAILS)["id"]
    approver, author = colleague(app, agency, "approver"), colleague(app, agency, "author")

    assert act(approver, number, "release", " ").status_code == 400
    assert act(approver, number, "release", None).status_code == 400
    assert act(author, number, "release").json["code"] == "web.not_allowed"
    assert api.get(f"/deliveries/{number}").json["state"] == "quarantined"


def test_an_information_system_releases_nothing(app: CKANTestApp, api: Api, agency: Agency, mails: str) -> None:
    number = api.delivery(mails, MAILS)["id"]
    by_system = Api(app, token_of(system_of(agency))[1])

    answer = act(by_system, number, "release")

    assert (answer.status_code, answer.json["code"]) == (403, "publishing.person_only")


def test_what_is_refused_from_quarantine_is_at_its_end(app: CKANTestApp, api: Api, agency: Agency, mails: str) -> None:
    number = api.delivery(mails, MAILS)["id"]
    approver = colleague(app, agency, "approver")

    told = decided(approver, act(approver, number, "refuse", "Жеке пошталар"))

    assert (told["state"], told["decision_reason"]) == ("refused", "Жеке пошталар")
    assert act(approver, number, "release").json["code"] == "publishing.cannot_release"


def schools(count: int) -> bytes:
    return HEADER + b"".join(b"%012d,School %d,1\n" % (n, n) for n in range(count))


MANY, FEW = schools(10), schools(1)


def test_what_would_lose_rows_by_now_is_looked_at_again(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    approver = colleague(app, agency, "approver")
    waiting = api.delivery(uri, FEW, "?check=only")["id"]
    assert api.delivery(uri, MANY)["state"] == "accepted"

    told = decided(approver, act(approver, waiting, "approve"))

    assert (told["state"], [stop["kind"] for stop in told["stops"]]) == ("quarantined", ["loss"])
    assert api.get(f"/datasets/{uri}").json["version"]["number"] == 1
    # Its sender asked for a check alone, so it waits again when it is let out.
    assert decided(approver, act(approver, waiting, "release"))["state"] == "awaiting_approval"
    assert decided(approver, act(approver, waiting, "approve"))["state"] == "accepted"


def test_who_released_a_loss_has_not_released_a_greater_one(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    approver = colleague(app, agency, "approver")
    assert api.delivery(uri, schools(3))["state"] == "accepted"
    waiting = api.delivery(uri, FEW)
    assert (waiting["state"], waiting["stops"][0]["params"]) == ("quarantined", {"before": 3, "after": 1})
    assert api.delivery(uri, MANY)["state"] == "accepted"

    told = decided(approver, act(approver, waiting["id"], "release"))

    assert (told["state"], told["stops"][0]["params"]) == ("quarantined", {"before": 10, "after": 1})
    assert decided(approver, act(approver, waiting["id"], "release"))["state"] == "accepted"


def test_a_released_check_waits_to_be_published(app: CKANTestApp, api: Api, agency: Agency, mails: str) -> None:
    number = api.delivery(mails, MAILS, "?check=only")["id"]
    approver = colleague(app, agency, "approver")

    assert decided(approver, act(approver, number, "release"))["state"] == "awaiting_approval"
    assert decided(approver, act(approver, number, "approve"))["state"] == "accepted"


def test_a_column_public_by_law_passes_and_only_an_approver_calls_it_so(app: CKANTestApp, api: Api, agency: Agency) -> None:
    fields = [*FIELDS[:2], FIELDS[2] | {"publicBy": "Ақпаратқа қол жеткізу туралы заң, 5-бап"}]
    described, name = passport(agency.name, fields, ["bin"]), f"register-{agency.name}"
    author = colleague(app, agency, "author")

    assert author.put(name, described).json["code"] == "publishing.public_by_needs_release"
    assert api.put(name, described).status_code == 201
    assert author.put(name, described).status_code == 200  # it was called so before
    assert api.delivery(name, MAILS)["state"] == "accepted"


def test_an_empty_replacement_is_refused_and_the_version_stays(api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)

    answer = api.post(uri, HEADER)

    told = answer.json if answer.status_code == 422 else api.get(f"/deliveries/{answer.json['id']}").json
    assert told.get("state", told.get("code")) in ("refused", "publishing.refused")
    assert api.get(f"/datasets/{uri}").json["version"]["rows"] == 3


def test_losing_more_than_half_waits_for_a_person(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    api.delivery(uri, SCHOOLS)

    delivery = api.delivery(uri, HEADER + b"000140000012,A,1\n")

    assert (delivery["state"], delivery["stops"][0]["kind"]) == ("quarantined", "loss")
    assert delivery["stops"][0]["params"] == {"before": 3, "after": 1}
    approver = colleague(app, agency, "approver")
    assert decided(approver, act(approver, delivery["id"], "release"))["state"] == "accepted"
    assert api.get(f"/datasets/{uri}").json["version"]["rows"] == 1


def test_keys_to_delete_that_are_not_there_take_nothing_away(api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)

    assert api.delivery(uri, b"bin\n000140009999\n000140009998\n000140000012\n", "?mode=delete")["state"] == "accepted"


def test_a_data_sets_own_threshold_holds(api: Api, agency: Agency, uri: str) -> None:
    api.delivery(uri, SCHOOLS)
    package = model.Package.get(uri)
    rules.set_thresholds(model.Session(), package.id, rules.Thresholds(loss=None), "tester", agency.id)
    model.Session.commit()

    assert api.delivery(uri, HEADER + b"000140000012,A,1\n")["state"] == "accepted"


@pytest.fixture
def second_person(agency: Agency) -> None:
    rules.set_second_person(model.Session(), agency.id, "people", "tester")
    model.Session.commit()


@pytest.mark.usefixtures("second_person")
def test_where_a_second_person_approves_the_sender_does_not(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    delivery = api.delivery(uri, SCHOOLS)

    assert (delivery["state"], delivery["waits_for"]) == ("awaiting_approval", "approval")
    assert act(api, delivery["id"], "approve", None).json["code"] == "publishing.own_delivery"
    other = colleague(app, agency, "approver")
    assert decided(other, act(other, delivery["id"], "approve", None))["state"] == "accepted"


@pytest.mark.usefixtures("second_person")
def test_a_systems_deliveries_pass_where_the_rule_is_for_people(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    by_system = Api(app, token_of(system_of(agency))[1])

    assert by_system.delivery(uri, SCHOOLS)["state"] == "accepted"
    rules.set_second_person(model.Session(), agency.id, "all", "tester")
    model.Session.commit()
    assert by_system.delivery(uri, SCHOOLS)["state"] == "awaiting_approval"


def at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+", "%2B")


def test_a_planned_delivery_is_published_at_its_moment_and_holds_up_nobody(api: Api, uri: str) -> None:
    delivery = api.delivery(uri, SCHOOLS, f"?publish_at={at(6)}")
    assert (delivery["state"], api.get(f"/datasets/{uri}").json["version"]) == ("scheduled", None)

    assert api.delivery(uri, SCHOOLS)["version"]["number"] == 1
    until = time.monotonic() + 60
    while (found := api.get(f"/deliveries/{delivery['id']}").json)["state"] != "accepted":
        assert time.monotonic() < until, found
        time.sleep(0.3)
    assert found["version"]["number"] == 2
    assert found["finished"] >= found["publish_at"]


def test_a_data_set_whose_first_version_is_planned_opens_to_search_then(app: CKANTestApp, api: Api, uri: str) -> None:
    package_id = model.Package.get(uri).id
    moment = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=900_000)
    number = api.delivery(uri, SCHOOLS, f"?publish_at={moment.isoformat().replace('+', '%2B')}")["id"]

    with app.flask_app.test_request_context():
        made = index.completed(model.Session(), {"id": package_id})
        assert made["visible_from"] == moment.strftime("%Y-%m-%dT%H:%M:%S.900000Z")
    decided(api, act(api, number, "refuse"))
    with app.flask_app.test_request_context():
        assert "visible_from" not in index.completed(model.Session(), {"id": package_id})


def test_a_planned_delivery_can_be_refused_before_its_moment(api: Api, uri: str) -> None:
    number = api.delivery(uri, SCHOOLS, f"?publish_at={at(3600)}")["id"]

    assert decided(api, act(api, number, "refuse", "Қате күн"))["state"] == "refused"


def test_what_waits_for_approval_may_be_planned(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    rules.set_second_person(model.Session(), agency.id, "people", "tester")
    model.Session.commit()
    number = api.delivery(uri, SCHOOLS, f"?publish_at={at(3600)}")["id"]
    other = colleague(app, agency, "approver")

    assert decided(other, act(other, number, "approve", None))["state"] == "scheduled"


@pytest.mark.parametrize("moment", ["tomorrow", "2026-12-01T09:00:00", "2999-01-01T00:00:00Z"])
def test_a_moment_needs_a_time_zone_and_lies_within_a_year(api: Api, uri: str, moment: str) -> None:
    assert api.post(uri, SCHOOLS, f"?publish_at={moment}").status_code == 400


@pytest.mark.parametrize("query", ["?chek=only", "?check=yes", "?mode=merge", "?mode="])
def test_a_parameter_that_is_not_known_is_a_mistake(api: Api, uri: str, query: str) -> None:
    answer = api.post(uri, SCHOOLS, query)

    assert (answer.status_code, answer.json["code"]) == (400, "web.bad_input")
