"""What helps when nothing was found: which word or filter to drop, how another spelling would do, what else there is.

Only what the same reader would then find is offered, so nothing is learnt of what is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.search import connection, spelling
from ckanext.kzopen.search.engines.base import EngineError
from ckanext.kzopen.search.portal import reading
from ckanext.kzopen.search.portal.answering import Answered, Labels, count, everything, has_all_words
from ckanext.kzopen.search.portal.question import Question, filters_of
from ckanext.kzopen.search.registry import Filter
from ckanext.kzopen.search.spelling import Taken

MOST_WORDS = 8
"""Words of a query that are dropped by turns; a sentence is no query."""


@dataclass(frozen=True)
class Way:
    """A question that finds something: what was dropped (`word`, `filter`, `days`, `section`), and how much it finds."""

    dropped: str
    value: str
    question: Question
    hits: int
    filter: Filter | None = None


def meant(question: Question, labels: Labels) -> Question | None:
    """The question as it was probably meant, when its words are nowhere and other ones find something."""
    try:
        other = spelling.suggest(question.q, labels, connection.reader(), everything()) if question.q else None
        # A question mark at the end is a sentence's here: as a pattern it would want one more letter.
        better = question.model_copy(update={"q": other.rstrip("? ")}) if other and other != question.q else None
        return better if better and count(better, labels) else None
    except (EngineError, KzError):
        return None


def instead(found: Answered, labels: Labels) -> str | None:
    """Beside hits: the query with the nearest known words for those that nothing holds, when it finds something.

    What holds all words knows all words, which one question to the engine tells; more are asked only when nothing does.
    """
    if not found.hits or found.taken is not Taken.AS_TYPED or has_all_words(found, labels):
        return found.corrected
    better = meant(found.question, labels)
    return better.q if better else None


def ways(question: Question, labels: Labels) -> list[Way]:
    """Questions near the one that found nothing, and what they find; those that find most come first."""
    tried = [way for way in (_tried(one, labels) for one in _candidates(question)) if way.hits]
    return sorted(tried, key=lambda way: -way.hits)


def _tried(way: Way, labels: Labels) -> Way:
    try:
        return Way(way.dropped, way.value, way.question, count(way.question, labels), way.filter)
    except KzError:
        return way


def _candidates(question: Question) -> Iterator[Way]:
    filters = filters_of(question.within)
    for one in filters:
        if question.chosen(one):
            yield Way("filter", "", question.model_copy(update={one.name: []}), 0, one)
    if question.since or question.until:
        yield Way("days", "", question.model_copy(update={"since": None, "until": None}), 0)
    if question.section:
        own: dict[str, list[str]] = {one.name: [] for one in filters}
        yield Way("section", "", question.model_copy(update={"section": "", **own}), 0)
    words = list(dict.fromkeys(reading.words(question.q)))
    if 1 < len(words) <= MOST_WORDS:
        for word in words:
            yield Way("word", word, question.model_copy(update={"q": _without(question.q, word)}), 0)


def _without(text: str, word: str) -> str:
    """The query without a word, and without the signs that belonged to it."""
    shorter = re.sub(rf"[-+]?(?<!\w){re.escape(word)}(?!\w)[*~]?", " ", text)
    return " ".join(shorter.replace('""', " ").split())
