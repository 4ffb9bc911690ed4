"""The page `/search`: one list over all sections, and what it offers while and after somebody types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies import names
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.search import registry
from ckanext.kzopen.search.portal import hints, reading
from ckanext.kzopen.search.portal.answering import DEEPEST, Answered, Labels, answer
from ckanext.kzopen.search.portal.helping import Way, instead, meant, ways
from ckanext.kzopen.search.portal.hits import Hit, Sought, hit
from ckanext.kzopen.search.portal.question import Question, filters_of, lenient
from ckanext.kzopen.search.portal.readers import labels
from ckanext.kzopen.search.portal.suggestions import known_section, suggestions
from ckanext.kzopen.search.registry import Filter, Label
from ckanext.kzopen.search.spelling import Taken
from flask import Blueprint, Response, jsonify, make_response, request

blueprint = Blueprint("kzopen_search", __name__, url_prefix="/search")
ROWS = 20
SHOWN_VALUES = 8
Page = str | Response


@dataclass(frozen=True)
class Value:
    """One value of a filter: what it is called, how many hits have it, whether it is chosen."""

    value: str
    label: Label
    count: int
    chosen: bool


@dataclass(frozen=True)
class Shown:
    """A filter with its values; `more` are those behind "show all"."""

    filter: Filter
    values: list[Value]
    more: list[Value]

    @property
    def chosen(self) -> list[Value]:
        return [one for one in (*self.values, *self.more) if one.chosen]


@blueprint.get("")
def index() -> Page:
    """The form with what it found; a refusal is told above the form, which keeps what was typed."""
    question = lenient({name: request.args.getlist(name) for name in request.args})
    language, reader = request_language(), labels()
    try:
        found = answer(question, reader, start=_start(), rows=ROWS)
        better = None if found.hits else meant(question, reader)
        if better is not None:
            found = answer(better, reader, start=_start(), rows=ROWS)
        corrected = better.q if better else None if _start() else instead(found, reader)
    except KzError as error:
        refused = make_response(tk.render("search/index.html", _page(question) | {"error": error.text(language)}))
        refused.status_code = error.status
        return refused
    replaced = better is not None or found.taken is Taken.NEAREST
    shown = _page(found.question) | {"typed": question.q, "instead": replaced, "corrected": corrected}
    return tk.render("search/index.html", shown | _found(found, reader, language))


@blueprint.get("/suggest")
def suggest() -> Response:
    """What the box offers while somebody types, as JSON for its script."""
    section = known_section(request.args.get("section", ""))
    found = suggestions(request.args.get("q", ""), labels(), request_language(), section)
    told = [one.model_dump() | {"url": tk.h.url_for(one.url)} for one in found]
    return jsonify(suggestions=told)


def page_number() -> int:
    """The page asked for, from 1."""
    given = request.args.get("page", "1")
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 10 else 1


def _start() -> int:
    return (page_number() - 1) * ROWS


def _page(question: Question) -> dict[str, Any]:
    """What the page shows whatever was found."""
    return {
        "question": question,
        "typed": question.q,
        "instead": False,
        "corrected": None,
        "sections": registry.sections(),
        "counts": {},
        "filters": [],
        "hits": [],
        "page": page_number(),
        "error": "",
    }


def _found(found: Answered, reader: Labels, language: str) -> dict[str, Any]:
    question = found.question
    sought = Sought(reading.tokens(found.reading.node), reading.prefixes(found.reading.node))
    hits = [one for one in (hit(stored, sought, language) for stored in found.documents) if one]
    return {
        "found": found.hits,
        "hits": hits,
        "owners": _owners(hits),
        "counts": dict(found.sections),
        "total": sum(count for _kind, count in found.sections),
        "filters": [_shown(one, found) for one in filters_of(question.within)],
        "hints": hints.sentences(found.reading.hints, language),
        "pages": max(1, -(-min(found.hits, DEEPEST) // ROWS)),
        "ways": [(way, _words_of(way)) for way in ways(question, reader)] if not found.hits else [],
    }


def _shown(one: Filter, found: Answered) -> Shown:
    counts = found.filters.get(one.name, [])
    chosen = set(found.question.chosen(one))
    labelled = one.values(model.Session, [value for value, _count in counts])
    values = [Value(value, labelled.get(value, value), count, value in chosen) for value, count in counts]
    first = [one for place, one in enumerate(values) if place < SHOWN_VALUES or one.chosen]
    return Shown(one, first, [one for one in values if one not in first])


def _owners(hits: list[Hit]) -> Mapping[str, Label]:
    """The names of the organisations that own what was found."""
    owners = {str(one.stored["owner_org"]) for one in hits if one.stored.get("owner_org")}
    return names.names_of(model.Session, owners)


def _words_of(way: Way) -> dict[str, Any]:
    """What a way that finds something is called in the page."""
    return {"address": way.question.address(), "label": way.filter.label if way.filter else None, "word": way.value}
