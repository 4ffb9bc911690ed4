"""`/staff/events`: the event log of my agencies, by person, object, kind and day; as a page and as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import record
from ckanext.kzopen.core.desk import actors
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.event_words import kinds
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import Visitor, visitor
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import Response, request, stream_with_context

SEE, EXPORT = "events.see", "events.export"
SHOWN = 50
LONGEST = 200
READ = ("address", "name")
"""What a reader of the log learns of people."""
TITLE = {"kk": "Оқиғалар журналы", "ru": "Журнал событий", "en": "Event log"}

blueprint = pages("kzopen_events")
register(Desk("events", TITLE, "/staff/events", SEE, order=90))


@dataclass(frozen=True)
class Asked:
    """The form of the log: its fields as they were typed, the filters that follow, what is wrong by field."""

    values: dict[str, str]
    filters: dict[str, Any]
    errors: dict[str, KzError]


@blueprint.get("/events")
def index() -> Page:
    """A page of the log, newest first."""
    who = visitor()
    who.require(SEE)
    asked = _asked(who, SEE)
    found = [] if asked.errors else record.events(model.Session, limit=SHOWN + 1, newest_first=True, **asked.filters)
    shown = found[:SHOWN]
    _note(who, asked)
    told = {
        "events": shown,
        "names": actors.names_of(model.Session, [event.actor for event in shown] + [event.in_place_of for event in shown]),
        "kinds": kinds(),
        "values": asked.values,
        "errors": {name: error.text(request_language()) for name, error in asked.errors.items()},
        "older": _query(asked, before=str(shown[-1].id)) if len(found) > SHOWN else "",
        "export": _query(asked) if who.may(EXPORT) else None,
    }
    return tk.render("desk/events.html", told)


@blueprint.get("/events.jsonl")
def export() -> Response:
    """The chosen events, oldest first, one JSON object a line."""
    who = visitor()
    who.require(EXPORT)
    asked = _asked(who, EXPORT)
    if asked.errors:
        raise next(iter(asked.errors.values()))
    _note(who, asked)
    answer = Response(stream_with_context(_lines(asked)), content_type="application/x-ndjson")
    answer.headers["Content-Disposition"] = 'attachment; filename="events.jsonl"'
    return answer


def _lines(asked: Asked) -> Iterator[str]:
    yield from record.json_lines(model.Session, **asked.filters)


def _asked(who: Visitor, right: str) -> Asked:
    values = {name: request.args.get(name, "").strip()[:LONGEST] for name in ("person", "kind", "object", "since", "until")}
    errors: dict[str, KzError] = {}
    filters: dict[str, Any] = {
        "agencies": who.scope(right),
        "kind": values["kind"] or None,
        "object_id": values["object"] or None,
    }
    if values["person"]:
        filters["actor"] = actors.named(model.Session, values["person"])
        if filters["actor"] is None:
            errors["person"] = KzError("desk.nobody_of_that_name")
    for name, shift in (("since", 0), ("until", 1)):
        try:
            filters[name] = _midnight(values[name], shift)
        except ValueError:
            errors[name] = KzError("desk.bad_day")
    before = request.args.get("before", "")
    filters["before"] = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    return Asked(values, filters, errors)


def _midnight(text: str, shift: int) -> datetime | None:
    """The beginning in Astana of a day, or of the one after it."""
    if not text:
        return None
    day = date.fromisoformat(text)
    return datetime.combine(day + timedelta(days=shift), time(), ASTANA)


def _query(asked: Asked, **more: str) -> str:
    return urlencode({name: text for name, text in {**asked.values, **more}.items() if text})


def _note(who: Visitor, asked: Asked) -> None:
    """The log tells who did what from which address: who reads it is noted in it, once for each look."""
    agencies = asked.filters["agencies"]
    only = next(iter(agencies)) if agencies is not None and len(agencies) == 1 else None
    record.read_of_personal_data(
        model.Session, actor=who.id, kind="event_log", object_id=only or "all", fields=READ, agency=only
    )
    model.Session.commit()
