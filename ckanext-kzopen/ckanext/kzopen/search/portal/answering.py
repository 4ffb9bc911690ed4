"""A question under a reader's permissions → hits, and the counts of sections and filters.

A filter's counts are those of the question without that filter: its other values keep their numbers when one is chosen. When
nothing holds the words, they are taken as `spelling.forgiving` takes them, and all counts are of what is then shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from ckan.common import config
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.search import connection, registry, spelling
from ckanext.kzopen.search.engines.base import Answer, EngineError, Facet, Search
from ckanext.kzopen.search.engines.base import Sort as Order
from ckanext.kzopen.search.portal import reading
from ckanext.kzopen.search.portal.question import Question, filters_of
from ckanext.kzopen.search.portal.reading import Reading
from ckanext.kzopen.search.registry import Filter
from ckanext.kzopen.search.spelling import Forgiven, Taken
from ckanext.kzopen.search.tree import All, Node, Occur, OneOf, Range, Term, Words

DEEPEST = 10_000
MOST_VALUES = 100
SECTION_FIELD = "entity_type"
CHANGED = "metadata_modified"
KEY = "index_id"
WANTED = frozenset(
    {
        "id",
        "index_id",
        "entity_type",
        "dataset_type",
        "name",
        "title",
        "title_translated",
        "notes",
        "notes_translated",
        "organization",
        "owner_org",
        "metadata_created",
        "metadata_modified",
        "visible_from",
        "res_format",
        "columns",
        "private",
    }
)
ORDERS: Mapping[str, tuple[Order, ...]] = {
    "relevance": (Order("score", True), Order(CHANGED, True)),
    "updated": (Order(CHANGED, True), Order(KEY, False)),
    "name": (Order("title_string", False), Order(KEY, False)),
    "id": (Order(KEY, False),),
}

Labels = frozenset[str] | None
Counts = list[tuple[str, int]]


@dataclass(frozen=True)
class Answered:
    """What was found for a question: hits in all, one page of stored documents, counts by section and by filter.

    `taken` tells how its words were taken, `corrected` what they were meant to be when nothing holds them as typed.
    """

    question: Question
    reading: Reading
    hits: int
    documents: list[dict[str, Any]]
    sections: Counts
    filters: dict[str, Counts]
    taken: Taken = Taken.AS_TYPED
    corrected: str | None = None


def answer(
    question: Question, labels: Labels, start: int = 0, rows: int = 20, facets: bool = True, taken: Taken | None = None
) -> Answered:
    """One page of hits and all counts; raises KzError for what is refused or when the engine is away.

    `taken` is how the words were taken on the page before, None for the first way that finds something.
    """
    if start + rows > DEEPEST:
        raise KzError("search.too_deep", limit=DEEPEST, address=f"/api/search/v1?{question.address(sort='id')}")
    read = reading.read(question.q)
    asked = _asked(question, read.node, labels)
    filters = filters_of(question.within)
    open_filters = [one for one in filters if not question.chosen(one)] if facets else []
    counted = [_facet(one.field) for one in open_filters] + ([_facet(SECTION_FIELD)] if facets and not question.within else [])
    forgiven = _forgiven(replace(asked, start=start, rows=rows, facets=tuple(counted), sort=ORDERS[question.order]), taken)
    page, read = forgiven.answer, _as_taken(read, forgiven)
    corrected = forgiven.correction.of(question.q) if forgiven.correction and page.hits else None
    told = Answered(question, read, page.hits, page.documents, [], {}, forgiven.taken, corrected)
    if not facets:
        return told
    counts = {one.name: page.facets.get(one.field, []) for one in open_filters}
    for one in filters:
        if question.chosen(one):
            counts[one.name] = _counts(question.model_copy(update={one.name: []}), read.node, labels, one.field)
    sections = page.facets.get(SECTION_FIELD) or _counts(_everywhere(question), read.node, labels, SECTION_FIELD)
    in_order = {one.name: _with_chosen(counts[one.name], question.chosen(one)) for one in filters}
    return replace(told, sections=sections, filters=in_order)


def following(question: Question, labels: Labels, key: str, rows: int, facets: bool, taken: Taken | None = None) -> Answered:
    """The hits in the order of their keys, from behind `key` on; `hits` counts all, also those before."""
    whole = answer(question, labels, 0, 1, facets, taken)
    behind = Range(KEY, key, None, include_low=False) if key else All()
    asked = _asked(question, whole.reading.node, labels)
    asked = replace(asked, filters=(*asked.filters, behind), rows=rows, sort=ORDERS["id"])
    return replace(whole, documents=found(asked).documents)


def count(question: Question, labels: Labels) -> int:
    """How many hits a question has."""
    return found(_asked(question, reading.read(question.q).node, labels)).hits


def has_all_words(answered: Answered, labels: Labels) -> bool:
    """Whether some hit holds all words of the question, or its words stand in a query of another form."""
    query = answered.reading.node
    if not isinstance(query, Words):
        return True
    wished = sum(word.occur is Occur.MAY for word in query.words)
    return query.minimum >= wished or found(_asked(answered.question, replace(query, minimum=wished), labels)).hits > 0


def found(search: Search) -> Answer:
    """What the engine says; KzError search.away when it says nothing."""
    return _forgiven(search, Taken.AS_TYPED).answer


def everything() -> tuple[Node, ...]:
    """What holds for all that is in any list of the search."""
    return tuple(conditions(Question()))


def _forgiven(search: Search, taken: Taken | None) -> Forgiven:
    try:
        return spelling.forgiving(connection.reader(), search, everything(), taken)
    except EngineError:
        raise KzError("search.away") from None


def _as_taken(read: Reading, forgiven: Forgiven) -> Reading:
    """The query that was answered, and the hint that it is not all that was typed."""
    return Reading(forgiven.query, read.hints + (("some",) if forgiven.taken is Taken.SOME else ()))


def _everywhere(question: Question) -> Question:
    """The same question to all sections: filters that only the list of one section has are dropped."""
    common = {one.name for one in filters_of(None)}
    own: dict[str, list[str]] = {one.name: [] for one in filters_of(question.within) if one.name not in common}
    return question.model_copy(update={"section": "", **own})


def _counts(question: Question, node: Node, labels: Labels, field: str) -> Counts:
    return found(replace(_asked(question, node, labels), facets=(_facet(field),))).facets.get(field, [])


def _with_chosen(counts: Counts, chosen: Sequence[str]) -> Counts:
    """A value that is chosen stays in the list when many have more hits, or when nothing has it any more."""
    shown, count_of = counts[:MOST_VALUES], dict(counts)
    listed = {value for value, _count in shown}
    return shown + [(value, count_of.get(value, 0)) for value in chosen if value not in listed]


def _facet(field: str) -> Facet:
    return Facet(field, None, 1)


def _asked(question: Question, node: Node, labels: Labels) -> Search:
    """The question without order and page: only what it counts."""
    return Search(query=node, labels=labels, filters=tuple(conditions(question)), rows=0, wanted=WANTED)


def conditions(question: Question) -> list[Node]:
    """What hits must be besides what the words say."""
    within = question.within
    kinds = [within] if within else registry.sections()
    return [
        Term("site_id", str(config.get("ckan.site_id"))),
        Term("state", "active"),
        OneOf(SECTION_FIELD, frozenset(one.entity_type for one in kinds)),
        *_chosen_values(question, filters_of(within)),
        *_days(question.since, question.until),
    ]


def _chosen_values(question: Question, filters: Sequence[Filter]) -> list[Node]:
    return [OneOf(one.field, frozenset(question.chosen(one))) for one in filters if question.chosen(one)]


def _days(since: date | None, until: date | None) -> list[Node]:
    """Whole days in Astana, the last one included."""
    if since is None and until is None:
        return []
    low = None if since is None else _midnight(since)
    high = None if until is None else _midnight(until + timedelta(days=1)) if until < date.max else None
    return [Range(CHANGED, low, high, include_low=True, include_high=False)] if low or high else []


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), ASTANA).isoformat()
