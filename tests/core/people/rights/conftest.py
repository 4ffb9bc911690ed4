"""People and agencies in a transaction that is rolled back; CKAN's own session works in it too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core.agencies.model import Agency
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.assignments.change import assign
from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
TEST = "system:test"
COLLEAGUE = ("moderator", None)
"""The role of who works in another place."""


@pytest.fixture
def session(engine: Engine) -> Iterator[Any]:
    """CKAN's session on a connection whose work is thrown away, whatever was committed in it."""
    model.Session.remove()
    with engine.connect() as connection:
        transaction = connection.begin()
        yield model.Session(bind=connection, join_transaction_mode="create_savepoint")
        model.Session.remove()
        transaction.rollback()


@dataclass
class Staff:
    """Makes accounts and agencies, gives roles, and asks what somebody holds."""

    session: Session

    def person(self, *, sysadmin: bool = False, state: str = "active") -> str:
        number = str(uuid4())
        values = {"id": number, "name": f"p-{number}", "password": "x", "state": state, "sysadmin": sysadmin}
        self.session.execute(insert(model.User).values(**values))
        return number

    def agency(self, state: str = "active", parent: str | None = None) -> str:
        number = str(uuid4())
        values = {"id": number, "name": f"a-{number}", "title": "А", "type": "organization", "is_organization": True}
        self.session.execute(insert(model.Group).values(**values, state=state, approval_status="approved"))
        self.session.add(Agency(id=number, state="active", address=f"a-{number}", parent=parent))
        self.session.flush()
        return number

    def made(self, role: str, agency: str | None = None, **more: Any) -> str:
        """A new person with this role."""
        person = self.person()
        assign(self.session, person, role, agency, TEST, **more)
        return person

    def colleague(self) -> str:
        """A new person who works somewhere, so that they can substitute: in the role COLLEAGUE of the whole portal."""
        return self.made(COLLEAGUE[0])

    def in_ckan(self, person: str, agency: str) -> str | None:
        """What CKAN says of the person in the agency."""
        query = select(model.Member.capacity).where(
            model.Member.group_id == agency, model.Member.table_id == person, model.Member.state == "active"
        )
        return self.session.scalar(query)

    def ckan_says(self, person: str, agency: str, capacity: str | None) -> None:
        """As CKAN's own pages and API change a member."""
        found = self.session.scalars(
            select(model.Member).where(model.Member.group_id == agency, model.Member.table_id == person)
        ).first() or model.Member(table_name="user", table_id=person, group=self.session.get_one(model.Group, agency))
        found.state = "active" if capacity else "deleted"
        found.capacity = capacity or found.capacity
        self.session.add(found)
        self.session.flush()
        rights.forget()  # another request did it

    def roles(self, person: str) -> set[tuple[str, str | None]]:
        return {(one.role, one.agency) for one in rights.roles_of(person)}


@pytest.fixture
def staff(session: Session) -> Staff:
    return Staff(session)
