"""CKAN's `get` asks the database once a transaction, and never gives back what is not so any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from ckan import model
from sqlalchemy import Engine, event

pytestmark = pytest.mark.usefixtures("with_plugins")


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What is asked of the database in the block."""
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        told.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(params=["User", "Group", "Package"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def name(kind: str) -> Iterator[str]:
    made = getattr(model, kind)(name=f"looked-up-{uuid4().hex[:8]}")
    model.Session.add(made)
    model.Session.commit()
    yield made.name
    model.Session.remove()


def test_a_second_look_in_a_transaction_asks_nothing(kind: str, name: str, engine: Engine) -> None:
    model.Session.remove()
    cls = getattr(model, kind)
    first = cls.get(name)
    model.Session.add(model.Tag(name=f"looked-up-{uuid4().hex[:8]}"))
    model.Session.flush()
    with statements(engine) as asked:
        assert cls.get(name) is first
        assert cls.get(first.id) is first
    assert asked == []


@pytest.mark.parametrize("kind", ["User"], indirect=True)
def test_who_is_signed_in_is_known_by_name(name: str, engine: Engine) -> None:
    number = model.User.get(name).id
    model.Session.remove()
    signed_in = model.Session.get(model.User, number)
    with statements(engine) as asked:
        assert model.User.get(name) is model.User.by_name(name) is signed_in
    assert asked == []
    assert model.User.by_name(number) is None


@pytest.mark.parametrize("kind", ["Group", "Package"], indirect=True)
def test_another_transaction_asks_again(kind: str, name: str, engine: Engine) -> None:
    cls = getattr(model, kind)
    cls.get(name)
    model.Session.commit()
    with statements(engine) as asked:
        assert cls.get(name).name == name
    assert asked


def test_nobody_is_found_by_a_former_name(kind: str, name: str) -> None:
    cls = getattr(model, kind)
    found = cls.get(name)
    found.name = f"{name}-new"
    model.Session.flush()
    assert cls.get(name) is None
    assert cls.get(f"{name}-new") is found
    model.Session.rollback()
    assert cls.get(f"{name}-new") is None


def test_what_was_deleted_is_not_found(kind: str, name: str) -> None:
    cls = getattr(model, kind)
    found = cls.get(name)
    model.Session.delete(found)
    model.Session.flush()
    assert cls.get(name) is None
    model.Session.rollback()
    assert cls.get(name) is not None


def test_what_was_not_there_is_asked_for_again(kind: str) -> None:
    cls, wanted = getattr(model, kind), f"looked-up-{uuid4().hex[:8]}"
    assert cls.get(wanted) is None
    made = cls(name=wanted)
    model.Session.add(made)
    model.Session.flush()
    assert cls.get(wanted) is made
    model.Session.rollback()


@pytest.mark.parametrize("kind", ["Package"], indirect=True)
def test_a_lock_is_asked_for_however_well_the_data_set_is_known(name: str, engine: Engine) -> None:
    model.Package.get(name)
    with statements(engine) as asked:
        model.Package.get(name, for_update=True)
    assert any("FOR UPDATE" in statement for statement in asked)


def test_values_that_were_let_go_are_read_again(kind: str, name: str, engine: Engine) -> None:
    cls = getattr(model, kind)
    found = cls.get(name)
    model.Session.expire_all()
    with statements(engine) as asked:
        assert cls.get(name) is found
    assert asked
