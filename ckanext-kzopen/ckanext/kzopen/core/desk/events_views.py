"""`/staff/events`: the event log of my agencies, by person, object, verb, agency and day; as a page and as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import record
from ckanext.kzopen.core.agencies.names import names_of
from ckanext.kzopen.core.desk import actors
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.event_filter import Asked, asked
from ckanext.kzopen.core.desk.event_words import kinds, verbs
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import Visitor, visitor
from ckanext.kzopen.core.texts import Words, in_language
from ckanext.kzopen.core.web.problem import request_language
from flask import Response, request, stream_with_context

SEE, EXPORT = "events.see", "events.export"
SHOWN = 50
READ = ("address", "name")
"""What a reader of the log learns of people."""
TITLE = {"kk": "Оқиғалар журналы", "ru": "Журнал событий", "en": "Event log"}

blueprint = pages("kzopen_events")
register(Desk("events", TITLE, "/staff/events", SEE, order=90))


@blueprint.get("/events")
def index() -> Page:
    """A page of the log, newest first."""
    who = visitor()
    who.require(SEE)
    scope = who.scope(SEE)
    wanted = asked(model.Session, request.args, scope)
    found = [] if wanted.errors else _page(wanted)
    shown = found[:SHOWN]
    _note(who, wanted)
    told = {
        "events": shown,
        "names": actors.names_of(model.Session, [event.actor for event in shown] + [event.in_place_of for event in shown]),
        "agencies": names_of(model.Session, {event.agency for event in shown if event.agency}) if _several(scope) else None,
        "kinds": _by_word(kinds()),
        "verbs": _by_word(verbs()),
        "values": wanted.values,
        "errors": {name: error.text(request_language()) for name, error in wanted.errors.items()},
        "older": _query(wanted, before=str(shown[-1].id)) if len(found) > SHOWN else "",
        "export": _query(wanted) if who.may(EXPORT) else None,
    }
    return tk.render("desk/events.html", told)


@blueprint.get("/events.jsonl")
def export() -> Response:
    """The chosen events, oldest first, one JSON object a line."""
    who = visitor()
    who.require(EXPORT)
    wanted = asked(model.Session, request.args, who.scope(EXPORT))
    if wanted.errors:
        raise next(iter(wanted.errors.values()))
    _note(who, wanted)
    answer = Response(stream_with_context(_lines(wanted)), content_type="application/x-ndjson")
    answer.headers["Content-Disposition"] = 'attachment; filename="events.jsonl"'
    return answer


def _lines(wanted: Asked) -> Iterator[str]:
    yield from record.json_lines(model.Session, **wanted.filters)


def _page(wanted: Asked) -> list[Any]:
    """A page of events before the last one seen, and one more where there are more."""
    before = request.args.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    return record.events(model.Session, limit=SHOWN + 1, newest_first=True, before=number, **wanted.filters)


def _several(scope: frozenset[str] | None) -> bool:
    """Whether the reader's events are of more than one agency."""
    return scope is None or len(scope) > 1


def _by_word(choices: dict[str, Words]) -> list[tuple[str, str]]:
    """The choices of a list as the reader reads them, in the order of their words."""
    language = request_language()
    told = ((name, in_language(words, language)) for name, words in choices.items())
    return sorted(told, key=lambda choice: choice[1].casefold())


def _query(wanted: Asked, **more: str) -> str:
    return urlencode({name: text for name, text in {**wanted.values, **more}.items() if text})


def _note(who: Visitor, wanted: Asked) -> None:
    """The log tells who did what from which address: who reads it is noted in it, once for each look."""
    agencies = wanted.filters["agencies"]
    only = next(iter(agencies)) if agencies is not None and len(agencies) == 1 else None
    record.read_of_personal_data(
        model.Session, actor=who.id, kind="event_log", object_id=only or "all", fields=READ, agency=only
    )
    model.Session.commit()
