"""Every call of the universal API that changes something, with every token that may not make it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people.systems import tokens

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


@pytest.fixture
def place(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> Place:
    api.delivery(uri, SCHOOLS)
    number = api.delivery(uri, SCHOOLS, "?check=only")["id"]
    upload = api.call("POST", "/uploads", json={"dataset": uri, "length": 5}).json["id"]
    return Place(app, agency, uri, number, upload)


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


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_what_is_no_token_opens_nothing(place: Place, call: Call) -> None:
    found = {token.__name__: call(Api(place.app, token(place)), place).status_code for token in NOBODY}

    assert found == {token.__name__: status for token, status in NOBODY.items()}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_token_of_others_changes_nothing(place: Place, call: Call) -> None:
    before = state(place)

    found = {token.__name__: call(Api(place.app, token(place)), place).status_code for token in OTHERS}

    assert set(found.values()) <= {403, 404}, found
    assert state(place) == before


def state(at: Place) -> Any:
    """What could have changed."""
    own = Api(at.app, at.agency.token)
    delivery, upload = own.get(f"/deliveries/{at.delivery}").json, own.get(f"/uploads/{at.upload}").json
    return own.get(f"/datasets/{at.uri}").json, delivery["state"], upload["received"]


def test_who_delivers_but_may_not_approve_publishes_nothing(place: Place) -> None:
    author = colleague(place.app, place.agency, "author")

    sent = author.decided(rows(author, place)).json if rows(author, place).status_code == 202 else rows(author, place).json

    assert (sent["state"], sent["waits_for"]) == ("awaiting_approval", "approval")
    assert approve(author, place).status_code == 403


def test_who_approves_but_may_not_deliver_sends_nothing(place: Place) -> None:
    approver = colleague(place.app, place.agency, "approver")

    assert [call(approver, place).status_code for call in (put, rows, checked, begin)] == [403, 403, 403, 403]


def test_a_systems_token_ends_while_it_is_used(place: Place) -> None:
    system = system_of(place.agency)
    token, secret = token_of(system)
    api = Api(place.app, secret)
    assert checked(api, place).status_code in (200, 202)
    found = model.Session.merge(token)
    found.expires = datetime.now(UTC) - timedelta(seconds=1)
    model.Session.commit()

    assert checked(api, place).json["code"] == "systems.token_expired"
