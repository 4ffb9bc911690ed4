"""A session whose work is thrown away, and a kind of object with a state machine for the tests of what every section uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core import states
from ckanext.kzopen.core.db import Base
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.states import machines
from ckanext.kzopen.core.web import KzError
from sqlalchemy import Engine, delete, event
from sqlalchemy.orm import Mapped, Session, mapped_column

ROLES = Path(__file__).with_name("letter_roles.yaml")


class Letter(Base):
    """An object of the machine `letter.yaml` beside this file."""

    __tablename__ = "test_letter"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid4()))
    state: Mapped[str]
    text: Mapped[str | None]
    copies: Mapped[int | None]
    agency_id: Mapped[str | None]


def everyone(_actor: str, _right: str, _row: Any) -> bool:
    """For changes in tests that are not about rights."""
    return True


@states.guard("not_too_many_copies")
def not_too_many_copies(_row: Any, fields: Mapping[str, Any], _at: datetime) -> KzError | None:
    return KzError("web.too_large", limit=3) if (fields.get("copies") or 0) > 3 else None


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of CKAN's database in the block. CKAN's engine is another one after each app that was made."""
    told: list[str] = []
    engine = model.Session.get_bind()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        told.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
def engine() -> Engine:
    """CKAN's engine, on the database of the tests."""
    return model.meta.engine


@pytest.fixture(scope="session")
def letters(engine: Engine) -> Iterator[type[Letter]]:
    """The table of letters and its machine."""
    register_letters()
    Base.metadata.create_all(engine, tables=[Base.metadata.tables["kzopen.test_letter"]])
    yield Letter
    Base.metadata.drop_all(engine, tables=[Base.metadata.tables["kzopen.test_letter"]])
    roles.unregister(ROLES)
    machines.forget("letter")


def register_letters() -> None:
    """The machine of letters and the rights that it names."""
    roles.register(ROLES)
    states.register(Path(__file__).with_name("letter.yaml"))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session that is rolled back at the end of the test, whatever was committed in it."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        transaction.rollback()


@pytest.fixture
def committed_letter(engine: Engine, letters: type[Letter]) -> Iterator[str]:
    """The id of a letter that other connections see."""
    with Session(engine) as session, session.begin():
        letter = letters(text="hello")
        states.begin(session, "letter", letter, "user-1")
        number = letter.id
    yield number
    with Session(engine) as session, session.begin():
        session.execute(delete(letters).where(letters.id == number))
