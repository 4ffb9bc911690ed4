"""Importing a table of agencies: a preview of what it would do, or doing it, a row a transaction.

Doing it again changes nothing.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.model import AnySession
from ckanext.kzopen.core.reorganisation import acting, acts, planning
from ckanext.kzopen.core.reorganisation.planning import Line, Step
from ckanext.kzopen.core.reorganisation.schema import Creation, Input, Moving, Renaming, Update, Words, parsed
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from pydantic import Field

MOST = 5000


class Table(Input):
    """Rows as `Line` has them; nothing is done without `commit`."""

    rows: list[Line] = Field(max_length=MOST)
    commit: bool = False


def agency_import(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Say what a table of agencies would do, or do it with `commit`: an object for each row, those above before those below.

    `does` lists `create`, `rename`, `update` and `move`; a row that cannot be taken has an `error` and is left out.
    """
    tk.check_access("agency_import", context, data_dict)
    table = parsed(Table, data_dict)
    steps = planning.plan(model.Session, table.rows)
    if table.commit:
        for step in steps:
            _carry_out(model.Session, step, context["user"], acting.of_context(context))
    language = request_language()
    return [told(step, language) for step in steps]


def told(step: Step, language: str) -> dict[str, Any]:
    """A step as data; its error as a code and a sentence."""
    error = {"code": step.error.code, "sentence": step.error.text(language)} if step.error else None
    return {"row": step.line.row, "address": step.address, "parent": step.parent, "does": list(step.does), "error": error}


def _carry_out(session: AnySession, step: Step, user: str, actor: str) -> None:
    if step.error is not None:
        return
    try:
        if step.does == ("create",):
            _create(session, step, user, actor)
        else:
            _change(session, step, actor)
        session.commit()
    except KzError as error:
        session.rollback()
        step.error = error


def _create(session: AnySession, step: Step, user: str, actor: str) -> None:
    given = step.line.model_dump(exclude={"row", "since", "kind"}) | {"address": step.address, "parent": step.parent}
    acts.create(session, Creation(**given, kind=step.line.kind or "other"), user, actor)


def _change(session: AnySession, step: Step, actor: str) -> None:
    address, line = step.address, step.line
    if "rename" in step.does:
        columns = planning.names_of(step)
        name, short = (Words(**{key[-2:]: text for key, text in columns.items() if key.startswith(kind)}) for kind in WORDS)
        acts.rename(session, Renaming(id=address, title=name, short=short, since=line.since), actor)
    if "update" in step.does:
        acts.update(session, Update(id=address, kind=line.kind, bin=line.bin, kato=line.kato), actor)
    if "move" in step.does:
        acts.move(session, Moving(id=address, parent=step.parent, since=line.since), actor)


WORDS = ("name", "short")
