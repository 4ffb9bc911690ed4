"""Whose personal data an answer shows to somebody else: gathered while it is made, noted once before it leaves.

    reads.note(("name", "roles"), [member.id for member in found], agency=agency)

What the reader sees of themselves is not noted. The note is committed apart from what the request itself does, and an answer
whose note cannot be written does not leave the portal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.record.events import read_of_personal_data
from flask import Flask, Response, g, has_request_context, request
from sqlalchemy.orm import Session

LISTED = 20
"""So many people are told by their ids; of a longer list only how many they are."""


@dataclass
class Read:
    """What one answer shows: `people` by their ids, and how many more that have no account yet."""

    people: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    agencies: set[str] = field(default_factory=set)
    without_account: int = 0


def note(
    fields: Iterable[str], people: Iterable[str] = (), *, without_account: int = 0, agencies: Iterable[str] | None = ()
) -> None:
    """Say that the answer shows these fields of these people; `agencies` are those for which they work, None = all.

    Outside of a request nobody reads, and nothing is noted.
    """
    if not has_request_context():
        return
    read: Read = g.setdefault("kzopen_reads", Read())
    read.people.update(people)
    read.fields.update(fields)
    read.agencies.update(agencies or ())
    read.without_account += without_account


def install(app: Flask) -> None:
    app.after_request(write)


def write(answer: Response) -> Response:
    """Note what was gathered; called once for each request."""
    read: Read | None = g.pop("kzopen_reads", None)
    if read is None or tk.current_user.is_anonymous:
        return answer
    me = str(tk.current_user.id)
    others = sorted(read.people - {me})
    if others or read.without_account:
        with Session(model.meta.engine) as session:
            _write(session, me, others, read)
            session.commit()
    return answer


def _write(session: Session, me: str, others: list[str], read: Read) -> None:
    """One person is the object of the event; of several it is the page that shows them."""
    agency = next(iter(read.agencies)) if len(read.agencies) == 1 else None
    count = len(others) + read.without_account
    alone = count == 1 and bool(others)
    read_of_personal_data(
        session,
        actor=me,
        kind="account" if alone else "people",
        object_id=others[0] if alone else _place(),
        fields=read.fields,
        agency=agency,
        people=() if alone else others[:LISTED] if len(others) <= LISTED else (),
        count=count,
    )


def _place() -> str:
    """What was called: the action of CKAN's API, else the page."""
    return str((request.view_args or {}).get("logic_function") or request.endpoint)
