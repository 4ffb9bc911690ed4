"""`/api/search/v1`: the search of all sections for programs, its suggestions, its description in OpenAPI."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.search import registry
from ckanext.kzopen.search.portal import answers, cursor, hints, openapi, question, reading
from ckanext.kzopen.search.portal.answering import DEEPEST, Answered, Counts, answer, following
from ckanext.kzopen.search.portal.helping import instead, meant
from ckanext.kzopen.search.portal.hits import Hit, Sought, hit, texts_of
from ckanext.kzopen.search.portal.question import Question
from ckanext.kzopen.search.portal.readers import labels
from ckanext.kzopen.search.portal.suggestions import known_section, suggestions
from ckanext.kzopen.search.registry import Filter, Label
from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError

blueprint = Blueprint("kzopen_search_api", __name__, url_prefix=openapi.BASE)


@blueprint.get("")
def search() -> Response:
    """A page of hits with the address of the next."""
    asked, paging = _asked()
    by_key = asked.sort == "id"
    place = cursor.read(paging.cursor, by_key)
    if by_key:
        found = following(asked, labels(), place.key, paging.limit, paging.facets, place.taken)
    else:
        found = answer(asked, labels(), place.start, paging.limit, paging.facets, place.taken)
    told = _told(found, paging, place)
    return _json(told.model_copy(update={"meant": found.corrected if paging.cursor else _meant(found)}))


@blueprint.get("/suggest")
def suggest() -> Response:
    """Names that fit what was typed so far."""
    typed, section = request.args.get("q", ""), known_section(request.args.get("section", ""))
    found = suggestions(typed, labels(), request_language(), section)
    return _json(answers.Suggested(suggestions=found))


@blueprint.get("/openapi.json")
def get_openapi() -> Response:
    """The description of this API."""
    return Response(json.dumps(openapi.document(_site()), ensure_ascii=False), content_type="application/json")


def _asked() -> tuple[Question, openapi.Paging]:
    """What the request asks; KzError search.bad_parameters with the names of what cannot be read."""
    given = {name: request.args.getlist(name) for name in request.args}
    paging = {name: values[-1] for name, values in given.items() if name in openapi.Paging.model_fields}
    try:
        asked = question.strict({name: values for name, values in given.items() if name not in paging})
        return asked, openapi.Paging.model_validate(paging)
    except ValidationError as error:
        wrong = sorted({str(problem["loc"][0]) for problem in error.errors()})
        raise KzError("search.bad_parameters", names=", ".join(wrong)) from None


def _meant(found: Answered) -> str | None:
    if found.hits:
        return instead(found, labels())
    better = meant(found.question, labels())
    return better.q if better else None


def _told(found: Answered, paging: openapi.Paging, place: cursor.Place) -> answers.Found:
    language = request_language()
    sought = Sought(reading.tokens(found.reading.node), reading.prefixes(found.reading.node))
    shown = [one for one in (hit(stored, sought, language) for stored in found.documents) if one]
    return answers.Found(
        count=found.hits,
        items=[_item(one) for one in shown],
        sections=_sections(found.sections),
        facets={one.name: _values(one, found.filters.get(one.name, [])) for one in _filters(found)},
        taken=found.taken,
        hints=hints.sentences(found.reading.hints, language),
        next=_next(found, paging, place),
    )


def _filters(found: Answered) -> list[Filter]:
    return [one for one in question.filters_of(found.question.within) if one.name in found.filters]


def _item(one: Hit) -> answers.Item:
    stored = one.stored
    return answers.Item(
        id=one.id,
        section=one.section.address,
        title=texts_of(stored, "title") or {"": str(stored.get("name") or "")},
        description=texts_of(stored, "notes"),
        organization=stored.get("organization"),
        formats=list(dict.fromkeys(found for found in stored.get("res_format") or [] if found)),
        created=stored.get("metadata_created"),
        updated=stored.get("metadata_modified"),
        url=f"{_site()}{one.page}",
        highlight=str(one.text),
        columns=[column.striptags() for column in one.columns],
    )


def _sections(counts: Counts) -> list[answers.Value]:
    known = [(registry.section_of(kind), count) for kind, count in counts]
    return [answers.Value(value=s.address, label=dict(s.label), count=count) for s, count in known if s]


def _values(one: Filter, counts: Counts) -> list[answers.Value]:
    labelled = one.values(model.Session, [value for value, _count in counts])
    return [answers.Value(value=value, label=_texts(labelled.get(value, value)), count=count) for value, count in counts]


def _texts(label: Label) -> dict[str, str]:
    return dict.fromkeys(LANGUAGES, label) if isinstance(label, str) else {code: str(text) for code, text in label.items()}


def _next(found: Answered, paging: openapi.Paging, place: cursor.Place) -> str | None:
    """The address of the next page; none after a page that was not full, or where pages of this order end."""
    if len(found.documents) < paging.limit:
        return None
    limit = paging.limit
    if found.question.sort == "id":
        after = cursor.Place(str(found.documents[-1]["index_id"]), taken=found.taken)
    else:
        after = cursor.Place(start=place.start + limit, taken=found.taken)
        limit = min(limit, DEEPEST - after.start)
        if after.start >= found.hits or limit <= 0:
            return None
    facets = [("facets", "true")] if paging.facets else []
    paged = [("limit", str(limit)), *facets, ("cursor", cursor.written(after))]
    return f"{_site()}{openapi.BASE}?{urlencode([*found.question.parameters(), *paged])}"


def _site() -> str:
    return str(tk.config["ckan.site_url"]).rstrip("/")


def _json(told: BaseModel) -> Response:
    response = Response(told.model_dump_json(), content_type="application/json")
    response.headers["Vary"] = "Accept-Language, Authorization, Cookie"
    return response
