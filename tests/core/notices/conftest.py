"""Readers, things that they may or may not see, and a session whose work is thrown away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import mail, notices
from ckanext.kzopen.core.notices import subscriptions
from ckanext.kzopen.core.notices.visibility import _kinds
from sqlalchemy import text
from sqlalchemy.orm import Session

KIND = "notices.one"  # a template that exists and takes any words
Follow = Callable[..., int]
Told = Callable[[str], list[str]]


@pytest.fixture(autouse=True)
def _context(app: CKANTestApp) -> Iterator[None]:
    """Addresses of pages are made in the application, as in the worker."""
    with app.flask_app.test_request_context():
        yield
    model.Session.remove()


@pytest.fixture
def private() -> Iterator[set[str]]:
    """Things called `paper:…`: everybody sees them, but those of this set are seen by `insider` alone."""
    hidden: set[str] = set()

    def who(_session: Any, thing: str, readers: frozenset[str]) -> frozenset[str] | None:
        return readers & {"insider"} if thing in hidden else None

    notices.visible("paper", who)
    yield hidden
    _kinds.pop("paper")


def person(session: Session, name: str = "") -> str:
    """The id of a new account with an e-mail of its own."""
    mark = uuid4().hex[:12]
    user = model.User(name=f"reader-{mark}", email=f"{name or mark}@example.org", password="walnut-harbour-velvet")
    user.id = f"person-{mark}"
    columns = {"id": user.id, "name": user.name, "email": user.email}
    insert = """INSERT INTO "user" (id, name, email, state, created) VALUES (:id, :name, :email, 'active', now())"""
    session.execute(text(insert), columns)
    return str(user.id)


@pytest.fixture
def follow(session: Session) -> Follow:
    def now(reader: str, what: str, target: str, how: str = "daily", language: str = "ru") -> int:
        return subscriptions.follow(session, reader, what, target, how, language)

    return now


def values(title: str = "Paper", link: str = "/paper/1") -> dict[str, str]:
    return {"subject": title, "text": f"{title} is new.", "unsubscribe": "", "settings": "", "link": link}


def tell(session: Session, about: str = "paper:1", key: str = "", **given: Any) -> int | None:
    return notices.tell(session, KIND, about, key=key or uuid4().hex, values=given.pop("values", values()), **given)


def readers(session: Session, news: int | None) -> dict[str, str]:
    """Who was told of it, and how."""
    rows = session.execute(text("SELECT reader, how FROM kzopen.notice WHERE news = :news"), {"news": news})
    return {row.reader: row.how for row in rows}


def mails(session: Session) -> list[Any]:
    """Queued mails that this session has made, the oldest first."""
    wanted = "SELECT * FROM kzopen.mail WHERE state = 'queued' AND created = now() ORDER BY id"
    return list(session.execute(text(wanted)))


__all__ = ["mail"]
