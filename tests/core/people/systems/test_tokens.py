"""Tokens of information systems: who comes with one, and what ends it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core import record
from ckanext.kzopen.core.agencies import ownership
from ckanext.kzopen.core.people.systems import admitted, keeping, tokens
from ckanext.kzopen.core.people.systems.described import Described, described, networks, wished
from ckanext.kzopen.core.people.systems.model import EVERYTHING, System, Token, may_change
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

ADMIN = "an-account"
WISH = tokens.Wish(datetime.now(UTC) + timedelta(days=30))
TOLD = {"name": "Реестр", "bin": "000140000012", "contact": "Бөлім", "email": "data@example.org", "datasets": "all"}


@pytest.fixture
def session(engine: Engine) -> Iterator[Any]:
    """CKAN's session on a connection whose work is thrown away, whatever was committed in it."""
    model.Session.remove()
    with engine.connect() as connection:
        transaction = connection.begin()
        yield model.Session(bind=connection, join_transaction_mode="create_savepoint")
        model.Session.remove()
        transaction.rollback()


@pytest.fixture
def system(session: Any) -> System:
    told = Described(name="Реестр", bin="000140000012", contact="Бөлім", email="data@example.org", datasets=None)
    return keeping.register(session, f"agency-{uuid4()}", told, ADMIN)


def code_of(session: Any, secret: str, address: str | None = "10.0.0.1") -> str:
    """Why somebody with this token is not let in; "" when they are."""
    try:
        admitted(session, secret, address)
    except KzError as refused:
        return refused.code
    return ""


def test_a_token_is_kept_as_its_hash_only(session: Any, system: System) -> None:
    token, secret = tokens.issue(session, system, WISH, ADMIN)

    rows = session.execute(text("SELECT t::text FROM kzopen.system_token t WHERE id = :id"), {"id": token.id}).scalars()
    told = " ".join(rows) + str([record.as_dict(event) for event in record.events(session, kind="system_token")])
    assert secret.startswith(token.hint)
    assert secret not in told
    assert secret[len(token.hint) :] not in told
    assert admitted(session, secret, None).system is system


def test_a_token_that_nobody_issued_is_unknown(session: Any) -> None:
    assert code_of(session, "kzs_" + "x" * 43) == "systems.unknown_token"


def test_a_revoked_token_is_refused_from_the_next_request_on(session: Any, system: System) -> None:
    token, secret = tokens.issue(session, system, WISH, ADMIN)
    assert code_of(session, secret) == ""

    tokens.revoke(session, system, token, ADMIN)

    assert code_of(session, secret) == "systems.token_revoked"


def test_an_expired_token_is_refused(session: Any, system: System) -> None:
    _, secret = tokens.issue(session, system, tokens.Wish(datetime.now(UTC)), ADMIN)

    assert code_of(session, secret) == "systems.token_expired"


@pytest.mark.parametrize(
    ("address", "let_in"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("10.2.0.1", False), ("2001:db8::7", True), ("2001:db9::7", False)],
)
def test_a_token_is_accepted_from_its_networks_only(session: Any, system: System, address: str, let_in: bool) -> None:
    wish = tokens.Wish(WISH.expires, ("10.1.0.0/16", "2001:db8::/32"))
    _, secret = tokens.issue(session, system, wish, ADMIN)

    assert code_of(session, secret, address) == ("" if let_in else "systems.wrong_address")


def test_a_wrong_address_is_an_event_of_the_agency_but_not_one_for_each_request(session: Any, system: System) -> None:
    token, secret = tokens.issue(session, system, tokens.Wish(WISH.expires, ("10.1.0.0/16",)), ADMIN)

    for _ in range(3):
        assert code_of(session, secret, "10.2.0.1") == "systems.wrong_address"

    told = record.events(session, kind="system_token", object_id=str(token.id), verb="refuse_address")
    assert [(event.agency, event.new) for event in told] == [
        (system.agency_id, {"system": str(system.id), "address": "10.2.0.1"})
    ]


def test_a_replaced_token_is_valid_for_the_overlap_and_no_longer(session: Any, system: System) -> None:
    old, old_secret = tokens.issue(session, system, WISH, ADMIN)

    _, new_secret = tokens.rotate(session, system, old, WISH, timedelta(hours=24), ADMIN)

    assert code_of(session, old_secret) == code_of(session, new_secret) == ""
    assert timedelta(hours=23) < old.expires - datetime.now(UTC) < timedelta(hours=25)
    old.expires = datetime.now(UTC)
    session.flush()
    assert code_of(session, old_secret) == "systems.token_expired"
    assert code_of(session, new_secret) == ""


def test_an_overlap_never_lengthens_a_token(session: Any, system: System) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    old, _ = tokens.issue(session, system, tokens.Wish(soon), ADMIN)

    tokens.rotate(session, system, old, WISH, timedelta(hours=24), ADMIN)

    assert old.expires == soon


def test_a_token_is_replaced_once(session: Any, system: System) -> None:
    old, _ = tokens.issue(session, system, WISH, ADMIN)
    tokens.rotate(session, system, old, WISH, timedelta(hours=1), ADMIN)

    with pytest.raises(KzError) as refused:
        tokens.rotate(session, system, old, WISH, timedelta(hours=1), ADMIN)

    assert refused.value.code == "systems.token_is_over"


def test_a_form_sent_twice_makes_one_token(session: Any, system: System) -> None:
    wish = tokens.Wish(WISH.expires, request=uuid4().hex)
    tokens.issue(session, system, wish, ADMIN)

    with pytest.raises(KzError) as refused:
        tokens.issue(session, system, wish, ADMIN)

    assert refused.value.code == "systems.already_issued"


def test_a_system_has_ten_valid_tokens_at_most(session: Any, system: System) -> None:
    made = [tokens.issue(session, system, WISH, ADMIN)[0] for _ in range(tokens.MOST)]
    with pytest.raises(KzError) as refused:
        tokens.issue(session, system, WISH, ADMIN)
    assert refused.value.code == "systems.too_many_tokens"

    tokens.revoke(session, system, made[0], ADMIN)

    tokens.issue(session, system, WISH, ADMIN)


def test_the_last_use_is_written_every_few_minutes_and_not_at_each_request(session: Any, system: System) -> None:
    token, secret = tokens.issue(session, system, WISH, ADMIN)
    admitted(session, secret, "10.0.0.1")
    first = token.last_used
    assert first is not None

    admitted(session, secret, "10.0.0.2")
    assert (token.last_used, token.last_address) == (first, "10.0.0.1")

    token.last_used = first - timedelta(minutes=6)
    session.flush()
    admitted(session, secret, "10.0.0.2")
    assert (token.last_used > first, token.last_address) == (True, "10.0.0.2")


def test_a_closed_system_has_no_valid_token_and_gets_none(session: Any, system: System) -> None:
    _, secret = tokens.issue(session, system, WISH, ADMIN)

    keeping.close(session, system, ADMIN)

    assert code_of(session, secret) == "systems.token_revoked"
    with pytest.raises(KzError) as refused:
        tokens.issue(session, system, WISH, ADMIN)
    assert refused.value.code == "systems.closed"


def test_systems_go_over_to_the_successor_of_their_agency_with_their_tokens(session: Any, system: System) -> None:
    assert "information_systems" in ownership.owners()
    _, secret = tokens.issue(session, system, WISH, ADMIN)
    old, new = system.agency_id, f"agency-{uuid4()}"

    assert keeping.hand_over(session, old, new) == 1
    assert keeping.hand_over(session, old, new) == 0

    assert admitted(session, secret, None).system.agency_id == new


def test_a_system_changes_the_data_sets_that_it_is_for(session: Any, system: System) -> None:
    assert may_change(system, system.agency_id, "any")
    assert not may_change(system, "another-agency", "any")
    system.datasets = ["one"]
    assert may_change(system, system.agency_id, "one")
    assert not may_change(system, system.agency_id, "two")


def test_who_changed_what_of_a_system_is_told(session: Any, system: System) -> None:
    told = Described(name="Жаңа атау", bin=system.bin, contact=system.contact, email=system.email, datasets=None)

    keeping.change(session, system, told, ADMIN)
    keeping.change(session, system, told, ADMIN)

    events = record.events(session, kind="information_system", object_id=str(system.id))
    assert [(event.verb, event.actor, event.agency) for event in events] == [
        ("register", ADMIN, system.agency_id),
        ("change", ADMIN, system.agency_id),
    ]
    assert events[1].old == {"name": "Реестр"}


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        ("name", " ", "systems.required"),
        ("name", "x" * 201, "systems.too_long"),
        ("bin", "000140000013", "systems.bad_bin"),
        ("email", "data at example.org", "systems.bad_email"),
        ("datasets", "some", "systems.no_datasets"),
    ],
)
def test_each_mistake_is_told_by_its_field(field: str, given: str, code: str) -> None:
    found, errors = described(TOLD | {field: given}, [], frozenset())

    assert found is None
    assert {name: error.code for name, error in errors.items()} == {field: code}


def test_a_data_set_of_another_agency_is_not_taken() -> None:
    found, _ = described(TOLD | {"datasets": "some"}, ["mine", "theirs"], frozenset({"mine"}))

    assert found is not None
    assert found.datasets == ["mine"]


def test_networks_are_told_one_in_a_line() -> None:
    assert networks("203.0.113.7\n203.0.113.0/24, 2001:db8::/32") == ("203.0.113.7/32", "203.0.113.0/24", "2001:db8::/32")


@pytest.mark.parametrize("given", ["203.0.113.300", "203.0.113.7/24", "example.org"])
def test_what_is_no_network_is_told(given: str) -> None:
    with pytest.raises(KzError) as refused:
        networks(given)

    assert refused.value.code == "systems.bad_network"


def test_a_token_is_valid_until_the_end_of_its_last_day_in_astana() -> None:
    today = datetime(2026, 3, 5, tzinfo=UTC).date()

    wish, _ = wished({"expires": "2026-03-31"}, [], today)
    assert wish is not None
    assert wish.expires == datetime(2026, 3, 31, 19, tzinfo=UTC)

    for given in ("2026-03-04", "2036-03-04", "soon", ""):
        wish, errors = wished({"expires": given}, [], today)
        assert wish is None
        assert set(errors) == {"expires"}


def test_a_tokens_state_is_told(session: Any, system: System) -> None:
    token: Token = tokens.issue(session, system, WISH, ADMIN)[0]
    assert token.state(datetime.now(UTC)) == "active"
    assert token.state(token.expires) == "expired"
    tokens.rotate(session, system, token, WISH, timedelta(hours=1), ADMIN)
    assert token.state(datetime.now(UTC)) == "replaced"
    tokens.revoke(session, system, token, ADMIN)
    assert token.state(datetime.now(UTC)) == "revoked"


def test_a_token_of_before_limits_may_everything(session: Any, system: System) -> None:
    token, secret = tokens.issue(session, system, tokens.Wish(WISH.expires, may=()), ADMIN)

    session.execute(text("UPDATE kzopen.system_token SET may = DEFAULT WHERE id = :id"), {"id": token.id})
    session.refresh(token)

    assert admitted(session, secret, None).limits.may == EVERYTHING


def test_what_no_token_may_is_kept_nowhere(session: Any, system: System) -> None:
    with pytest.raises(IntegrityError):
        tokens.issue(session, system, tokens.Wish(WISH.expires, may=("everything",)), ADMIN)
