"""CKAN's `User.get` asks the database once a transaction, and never gives back what is not so any more."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core.lookups import hold, is_made
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from tests.core.conftest import statements

pytestmark = pytest.mark.usefixtures("with_plugins")


@pytest.fixture
def name() -> Iterator[str]:
    name = f"looked-up-{uuid4().hex[:8]}"
    model.Session.add(model.User(name=name))
    model.Session.commit()
    yield name
    model.Session.remove()


def test_a_second_look_in_a_transaction_asks_nothing(name: str) -> None:
    model.Session.remove()
    first = model.User.get(name)
    model.Session.add(model.Tag(name=f"looked-up-{uuid4().hex[:8]}"))
    model.Session.flush()
    with statements() as asked:
        assert model.User.get(name) is model.User.get(first.id) is model.User.by_name(name) is first
    assert asked == []


def test_who_is_signed_in_is_known_by_name(name: str) -> None:
    number = model.User.get(name).id
    model.Session.remove()
    signed_in = model.Session.get(model.User, number)
    with statements() as asked:
        assert model.User.get(name) is model.User.by_name(name) is signed_in
    assert asked == []
    assert model.User.by_name(number) is None


def test_another_transaction_asks_again(name: str) -> None:
    model.User.get(name)
    model.Session.rollback()
    with statements() as asked:
        assert model.User.get(name).name == name
    assert asked


def test_nobody_is_found_by_a_former_name(name: str) -> None:
    found = model.User.get(name)
    found.name = f"{name}-new"
    assert model.User.get(name) is found, "CKAN asks the database, which does not know the new name yet"
    assert model.User.get(found.name) is None
    model.Session.flush()
    assert model.User.get(name) is None
    assert model.User.get(f"{name}-new") is found
    model.Session.rollback()
    assert model.User.get(f"{name}-new") is None


def test_what_a_savepoint_took_back_is_not_found(name: str) -> None:
    found, savepoint = model.User.get(name), model.Session.begin_nested()
    found.name = f"{name}-new"
    model.Session.flush()
    assert model.User.get(f"{name}-new") is found
    savepoint.rollback()
    assert model.User.get(f"{name}-new") is None
    assert model.User.get(name) is found


def test_who_was_deleted_is_not_found(name: str) -> None:
    model.Session.delete(model.User.get(name))
    model.Session.flush()
    assert model.User.get(name) is None
    model.Session.rollback()
    assert model.User.get(name) is not None


def test_who_was_not_there_is_asked_for_again() -> None:
    wanted = f"looked-up-{uuid4().hex[:8]}"
    assert model.User.get(wanted) is None
    made = model.User(name=wanted)
    model.Session.add(made)
    model.Session.flush()
    assert model.User.get(wanted) is made
    model.Session.rollback()


def test_values_that_were_let_go_are_read_again(name: str) -> None:
    found = model.User.get(name)
    with model.meta.engine.begin() as elsewhere:
        elsewhere.execute(text("""UPDATE "user" SET fullname = 'Changed elsewhere' WHERE name = :name"""), {"name": name})
    model.Session.expire_all()
    with statements() as asked:
        assert model.User.get(name) is found
    assert asked
    assert found.fullname == "Changed elsewhere"


def test_all_ways_of_asking_still_work(name: str) -> None:
    assert model.User.get(user_reference=name) is model.User.by_name(name=name) is model.User.by_name(name, autoflush=False)
    assert model.User.get("") is model.User.get(None) is None


def test_a_data_set_that_was_read_before_is_read_anew_under_its_lock() -> None:
    name = f"looked-up-{uuid4().hex[:8]}"
    model.Session.add(model.Package(name=name, title="before"))
    model.Session.commit()
    model.Session.remove()
    assert model.Package.get(name).title == "before"
    with model.meta.engine.begin() as elsewhere:
        elsewhere.execute(text("UPDATE package SET title = 'after' WHERE name = :name"), {"name": name})
    assert model.Package.get(name, for_update=True).title == "after"
    model.Session.remove()


def test_an_organisation_that_is_held_is_not_asked_for_again_and_nobody_changes_it(name: str) -> None:
    group = model.Group(name=name, is_organization=True)
    model.Session.add(group)
    model.Session.commit()
    hold(model.Session(), group.id)
    with statements() as asked:
        assert model.Group.get(name) is model.Group.get(group.id) is group
    assert asked == []
    with model.meta.engine.connect() as other:
        other.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):
            other.execute(text("UPDATE \"group\" SET title = 'new' WHERE id = :id"), {"id": group.id})
    model.Session.commit()
    with statements() as asked:
        assert model.Group.get(name) is group
    assert asked


def test_a_data_set_that_the_transaction_has_made_is_not_asked_for() -> None:
    name = f"looked-up-{uuid4().hex[:8]}"
    model.Session.add(model.Package(name=name))
    model.Session.flush()
    made = model.Session.scalars(select(model.Package).where(model.Package.name == name)).one().id
    gc.collect()
    member = model.Member(table_name="package", table_id=made)
    with statements() as asked:
        assert model.Package.get(made).name == name
        assert member.related_packages() == [model.Package.get(made)]
    assert asked == []
    assert is_made(model.Session(), made)
    model.Session.commit()
    assert not is_made(model.Session(), made)
    with statements() as asked:
        assert [one.name for one in member.related_packages()] == [name]
    assert asked
    model.Package.get(made).purge()
    model.Session.commit()


def test_a_data_set_whose_making_was_taken_back_is_not_found() -> None:
    made = model.Package(name=f"looked-up-{uuid4().hex[:8]}")
    model.Session.add(made)
    model.Session.flush()
    number = made.id
    model.Session.rollback()
    assert not is_made(model.Session(), number)
    assert model.Package.get(number) is None


def test_what_a_savepoint_made_and_took_back_is_not_found_either() -> None:
    savepoint = model.Session.begin_nested()
    made = model.Package(name=f"looked-up-{uuid4().hex[:8]}")
    model.Session.add(made)
    model.Session.flush()
    number = made.id
    savepoint.rollback()
    assert not is_made(model.Session(), number)
    assert model.Package.get(number) is None
    model.Session.rollback()
