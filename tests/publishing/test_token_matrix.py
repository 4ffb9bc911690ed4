"""Every call of the universal API that changes something, with every token that may not make it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people.systems import System, tokens
from ckanext.kzopen.core.people.systems.model import EVERYTHING, MODES, PASSPORT, tokens_of
from ckanext.kzopen.publishing.calls import Mode
from ckanext.kzopen.publishing.model import passport_of

from tests.publishing.conftest import SCHOOLS, Agency, Api, new_agency, passport
from tests.publishing.test_decisions import colleague
from tests.publishing.test_systems import ADMIN, here, system_of, token_of


@dataclass(frozen=True)
class Place:
    """Where a call is made: a data set of `agency` with a version, a delivery that waits and an upload of its sender."""

    app: CKANTestApp
    agency: Agency
    uri: str
    delivery: str
    upload: str


def placed(app: CKANTestApp) -> Place:
    agency = new_agency(app)
    api, uri = Api(app, agency.token), f"schools-{uuid4().hex[:10]}"
    assert api.put(uri, passport(agency.name)).status_code == 201
    api.delivery(uri, SCHOOLS)
    return sent_by(api, Place(app, agency, uri, "", ""))


def sent_by(api: Api, at: Place) -> Place:
    """The place with a delivery that waits and an upload, both of this sender."""
    number = api.delivery(at.uri, SCHOOLS, "?check=only")["id"]
    upload = api.call("POST", "/uploads", json={"dataset": at.uri, "length": 5}).json["id"]
    return replace(at, delivery=number, upload=upload)


@pytest.fixture(scope="module")
def shared_place(app: CKANTestApp) -> Place:
    """One for all calls that change nothing."""
    return placed(app)


@pytest.fixture
def changing() -> None:
    """Tests that use this change their place: they get one of their own."""


@pytest.fixture
def place(request: pytest.FixtureRequest, app: CKANTestApp, shared_place: Place) -> Place:
    return placed(app) if "changing" in request.fixturenames else shared_place


def put(api: Api, at: Place) -> Any:
    return api.put(at.uri, passport(at.agency.name))


def new(api: Api, at: Place) -> Any:
    return api.put(f"new-{uuid4().hex[:8]}", passport(at.agency.name))


def rows(api: Api, at: Place) -> Any:
    return api.call("POST", f"/datasets/{at.uri}/rows?mode=upsert", data=SCHOOLS)


def checked(api: Api, at: Place) -> Any:
    return api.call("POST", f"/datasets/{at.uri}/rows?check=only", data=SCHOOLS)


def begin(api: Api, at: Place) -> Any:
    return api.call("POST", "/uploads", json={"dataset": at.uri, "length": 5})


def part(api: Api, at: Place) -> Any:
    return api.call("PUT", f"/uploads/{at.upload}", data=b"12345", headers={"Upload-Offset": "0"})


def complete(api: Api, at: Place) -> Any:
    return api.call("POST", f"/uploads/{at.upload}/complete", json={"sha256": "0" * 64})


def read(api: Api, at: Place) -> Any:
    return api.get(f"/deliveries/{at.delivery}")


def approve(api: Api, at: Place) -> Any:
    return api.call("POST", f"/deliveries/{at.delivery}/approve")


def refuse(api: Api, at: Place) -> Any:
    return api.call("POST", f"/deliveries/{at.delivery}/refuse", data=json.dumps({"reason": "x"}))


def release(api: Api, at: Place) -> Any:
    return api.call("POST", f"/deliveries/{at.delivery}/release", data=json.dumps({"reason": "x"}))


def withdraw(api: Api, at: Place) -> Any:
    return api.call("POST", f"/datasets/{at.uri}/versions/1/withdraw", data=json.dumps({"reason": {"kk": "x"}}))


CALLS = (put, new, rows, checked, begin, part, complete, read, approve, refuse, release, withdraw)
Call = Callable[[Api, Place], Any]


def none(_: Place) -> str:
    return ""


def nonsense(_: Place) -> str:
    return "Bearer kzs_guessed"


def of_ckan_nonsense(_: Place) -> str:
    return "eyJhbGciOiJub25lIn0.e30."


def expired(at: Place) -> str:
    return token_of(system_of(at.agency), days=-1)[1]


def revoked(at: Place) -> str:
    system = system_of(at.agency)
    token, secret = token_of(system)
    tokens.revoke(model.Session, here(system), token, ADMIN)
    model.Session.commit()
    return secret


def from_elsewhere(at: Place) -> str:
    return token_of(system_of(at.agency), ("203.0.113.0/24",))[1]


def of_another_agency(at: Place) -> str:
    return token_of(system_of(new_agency(at.app)))[1]


def for_another_data_set(at: Place) -> str:
    return token_of(system_of(at.agency, ["another"]))[1]


def person_of_another_agency(at: Place) -> str:
    return new_agency(at.app, "admin").token


def reader(at: Place) -> str:
    """A person of the agency who may look and change nothing: CKAN's member."""
    return new_agency(at.app, "member").token


NOBODY = {none: 401, nonsense: 401, of_ckan_nonsense: 401, expired: 401, revoked: 401, from_elsewhere: 403}
"""Tokens that open nothing at all."""
OTHERS = (of_another_agency, for_another_data_set, person_of_another_agency, reader)
"""Tokens of others, who find a refusal, or nothing."""


@pytest.fixture(scope="module")
def made(shared_place: Place) -> dict[Callable[[Place], str], str]:
    """Each of these tokens, made for the shared place."""
    return {token: token(shared_place) for token in (*NOBODY, *OTHERS)}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_what_is_no_token_opens_nothing(place: Place, made: dict[Callable[[Place], str], str], call: Call) -> None:
    found = {token.__name__: call(Api(place.app, made[token]), place).status_code for token in NOBODY}

    assert found == {token.__name__: status for token, status in NOBODY.items()}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_token_of_others_changes_nothing(place: Place, made: dict[Callable[[Place], str], str], call: Call) -> None:
    before = state(place)

    found = {token.__name__: call(Api(place.app, made[token]), place).status_code for token in OTHERS}

    assert set(found.values()) <= {403, 404}, found
    assert state(place) == before


def state(at: Place) -> Any:
    """What could have changed."""
    own = Api(at.app, at.agency.token)
    delivery, upload = own.get(f"/deliveries/{at.delivery}").json, own.get(f"/uploads/{at.upload}").json
    return own.get(f"/datasets/{at.uri}").json, delivery["state"], upload["received"]


@pytest.fixture(scope="module")
def shared_system(shared_place: Place) -> System:
    return system_of(shared_place.agency)


@pytest.fixture
def system(request: pytest.FixtureRequest, place: Place, shared_system: System) -> Iterator[System]:
    """A system of the place's agency; its tokens end with the test, for it may have no more than ten."""
    found = system_of(place.agency) if "changing" in request.fixturenames else shared_system
    yield found
    for token in tokens_of(model.Session, here(found)):
        if token.revoked is None:
            tokens.revoke(model.Session, here(found), token, ADMIN)
    model.Session.commit()


@pytest.fixture(scope="module")
def shared_own(shared_place: Place, shared_system: System) -> Place:
    return sent_by(Api(shared_place.app, token_of(shared_system)[1]), shared_place)


@pytest.fixture
def own(request: pytest.FixtureRequest, place: Place, system: System, shared_own: Place) -> Place:
    """The place, with a delivery and an upload of the agency's system itself."""
    changing = "changing" in request.fixturenames
    return sent_by(Api(place.app, token_of(system)[1]), place) if changing else shared_own


def limited(at: Place, system: System, *may: str) -> Api:
    """The API with a token of the system that may only this."""
    return Api(at.app, token_of(system, may=may)[1])


def state_of_own(at: Place, system: System) -> Any:
    full = Api(at.app, token_of(system)[1])
    delivery, upload = full.get(f"/deliveries/{at.delivery}").json, full.get(f"/uploads/{at.upload}").json
    return full.get(f"/datasets/{at.uri}").json, delivery["state"], upload["received"]


NEEDED = {
    put: PASSPORT,
    new: PASSPORT,
    rows: "upsert",
    checked: "replace",
    begin: "replace",
    part: "replace",
    complete: "replace",
    approve: "replace",
    refuse: "replace",
}
"""What a token must let its system do for a call; releases and withdrawals are for people."""


WORKED = (200, 202)
"""What the worker does is answered when it is done, or before where it takes longer."""
DONE: dict[Call, tuple[tuple[int, ...], str | None]] = {
    put: ((200,), None),
    new: ((201,), None),
    rows: (WORKED, "accepted"),
    checked: (WORKED, "awaiting_approval"),
    begin: ((201,), None),
    part: ((200,), None),
    complete: ((409,), None),  # the upload is not whole yet
    approve: (WORKED, "accepted"),
    refuse: ((200,), "refused"),
}
"""How each call is answered, and the state of its delivery in the end."""


def state_after(at: Place, system: System, call: Call, answer: Any) -> str | None:
    """What became of the delivery that a call sent or decided on."""
    if call not in (rows, checked, approve, refuse):
        return None
    full = Api(at.app, token_of(system)[1])
    told = full.decided(answer).json if answer.status_code == 202 else answer.json
    return str(told["state"])


@pytest.mark.parametrize("call", [call for call in CALLS if call is not read], ids=lambda call: call.__name__)
def test_a_read_only_token_changes_nothing(own: Place, system: System, call: Call) -> None:
    before = state_of_own(own, system)

    answer = call(limited(own, system), own)

    assert (answer.status_code, answer.json["code"]) == (403, "systems.read_only")
    assert state_of_own(own, system) == before


@pytest.mark.parametrize("call", NEEDED, ids=lambda call: call.__name__)
def test_a_token_for_everything_else_does_not_do_for_a_call(own: Place, system: System, call: Call) -> None:
    before = state_of_own(own, system)
    rest = [power for power in EVERYTHING if power != NEEDED[call]]

    answer = call(limited(own, system, *rest), own)

    code = "systems.no_passports" if NEEDED[call] == PASSPORT else "systems.wrong_mode"
    assert (answer.status_code, answer.json["code"]) == (403, code)
    assert state_of_own(own, system) == before


@pytest.mark.usefixtures("changing")
@pytest.mark.parametrize("call", NEEDED, ids=lambda call: call.__name__)
def test_a_token_for_a_call_alone_does(own: Place, system: System, call: Call) -> None:
    answer = call(limited(own, system, NEEDED[call]), own)

    assert not str(answer.json.get("code", "")).startswith("systems."), answer.json
    statuses, state = DONE[call]
    assert answer.status_code in statuses, answer.json
    assert state_after(own, system, call, answer) == state


@pytest.mark.usefixtures("changing")
@pytest.mark.parametrize("mode", MODES)
def test_a_token_for_one_mode_delivers_by_no_other(place: Place, system: System, mode: str) -> None:
    api = limited(place, system, mode)

    found = {other: api.post(place.uri, SCHOOLS, f"?mode={other}&check=only").json.get("code") for other in MODES}

    assert [other for other, told in found.items() if told != "systems.wrong_mode"] == [mode]
    usual = api.post(place.uri, SCHOOLS).json.get("code")
    assert (usual == "systems.wrong_mode") == (mode != "replace")


def test_the_refusal_tells_what_the_token_may_and_whom_to_ask(place: Place, system: System) -> None:
    api = limited(place, system, "append", "upsert")

    told = {language: replace(api, language=language).post(place.uri, SCHOOLS).json for language in ("kk", "ru", "en")}

    assert told["en"]["type"].endswith("systems.wrong_mode")
    for answer in told.values():
        for word in ("replace", "append, upsert", "Бөлім", "data@example.org"):
            assert word in answer["detail"]


def test_a_token_for_passports_sends_no_rows(place: Place, system: System) -> None:
    assert rows(limited(place, system, PASSPORT), place).json["code"] == "systems.passports_only"


@pytest.mark.usefixtures("changing")
def test_a_read_only_token_reads_what_its_system_may(own: Place, system: System) -> None:
    package = model.Package.get(own.uri)
    package.private = True
    model.Session.commit()
    api = limited(own, system)
    paths = ("", "/versions", "/versions/1/diff")

    assert [api.get(f"/datasets/{own.uri}{path}").status_code for path in paths] == [200, 200, 200]
    assert [api.get(f"/deliveries/{own.delivery}{path}").status_code for path in ("", "/report")] == [200, 200]
    assert api.get(f"/uploads/{own.upload}").status_code == 200


def test_no_route_that_changes_something_takes_a_read_only_token(place: Place, system: System) -> None:
    client = place.app.test_client(use_cookies=False)
    headers = {"Authorization": limited(place, system).token}
    with place.app.flask_app.test_request_context():
        routes = [
            (method, tk.url_for(rule.endpoint, locale="default", **{name: _some(rule, name) for name in rule.arguments}))
            for rule in place.app.flask_app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
            if rule.rule.startswith(("/api/universal/", "/api/harvest/"))
        ]
    assert len(routes) > 15

    found = {(method, path): client.open(path, method=method, headers=headers).json.get("code") for method, path in routes}

    assert set(found.values()) == {"systems.read_only"}, found


def _some(rule: Any, name: str) -> Any:
    """A value that this part of an address may have."""
    kind = type(rule._converters[name]).__name__
    return {"UUIDConverter": uuid4(), "IntegerConverter": 1}.get(kind, "something")


@pytest.mark.parametrize("may", [(), EVERYTHING], ids=["read-only", "everything"])
def test_ckans_own_actions_change_nothing_for_a_systems_token(place: Place, system: System, may: tuple[str, ...]) -> None:
    client = place.app.test_client(use_cookies=False)
    before = state(place)
    published = passport_of(model.Session(), place.uri)
    assert published is not None
    resource = published.resource_id
    calls = {
        "package_create": {"name": "by-a-system", "owner_org": place.agency.id},
        "package_patch": {"id": place.uri, "title": "x"},
        "package_delete": {"id": place.uri},
        "resource_create": {"package_id": place.uri, "url": "https://example.org"},
        "resource_delete": {"id": resource},
        "datastore_upsert": {"resource_id": resource, "records": [], "force": True},
        "datastore_delete": {"resource_id": resource, "force": True},
        "organization_patch": {"id": place.agency.id, "title": "x"},
        "api_token_create": {"user": place.agency.user, "name": "x"},
    }
    headers = {"Authorization": f"Bearer {token_of(system, may=may)[1]}"}

    found = {
        name: client.post(f"/api/3/action/{name}", headers=headers, json=told).status_code for name, told in calls.items()
    }

    assert found == dict.fromkeys(calls, 403)
    assert state(place) == before


def test_the_modes_of_tokens_are_those_of_deliveries() -> None:
    assert get_args(Mode) == MODES


@pytest.mark.usefixtures("changing")
def test_who_delivers_but_may_not_approve_publishes_nothing(place: Place) -> None:
    author = colleague(place.app, place.agency, "author")

    sent = author.decided(rows(author, place)).json if rows(author, place).status_code == 202 else rows(author, place).json

    assert (sent["state"], sent["waits_for"]) == ("awaiting_approval", "approval")
    assert approve(author, place).status_code == 403


def test_who_approves_but_may_not_deliver_sends_nothing(place: Place) -> None:
    approver = colleague(place.app, place.agency, "approver")

    assert [call(approver, place).status_code for call in (put, rows, checked, begin)] == [403, 403, 403, 403]


@pytest.mark.usefixtures("changing")
def test_a_systems_token_ends_while_it_is_used(place: Place) -> None:
    system = system_of(place.agency)
    token, secret = token_of(system)
    api = Api(place.app, secret)
    assert checked(api, place).status_code in (200, 202)
    found = model.Session.merge(token)
    found.expires = datetime.now(UTC) - timedelta(seconds=1)
    model.Session.commit()

    assert checked(api, place).json["code"] == "systems.token_expired"
