"""Suggestions while somebody types: names that hold the words typed so far, the last of which may be half a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckanext.kzopen.search import analysis, registry
from ckanext.kzopen.search.engines.base import Search, Sort
from ckanext.kzopen.search.portal.answering import Labels, conditions, found
from ckanext.kzopen.search.portal.hits import Sought, hit
from ckanext.kzopen.search.portal.question import LONGEST, Question
from ckanext.kzopen.search.tree import Better, Node, Prefix, Term, both
from pydantic import BaseModel, Field

MOST = 8
SHORTEST = 2
MOST_WORDS = 8
_WANTED = frozenset({"id", "index_id", "entity_type", "dataset_type", "name", "title", "title_translated"})


class Suggestion(BaseModel):
    """A thing whose name fits what was typed."""

    title: str = Field(description="Its name in the reader's language, else in another")
    section: str
    section_label: str
    url: str = Field(description="Path of its page")


def suggestions(typed: str, labels: Labels, language: str, section: str = "") -> list[Suggestion]:
    """At most eight names, the best first; none for less than two letters."""
    words = analysis.words(typed[:LONGEST])[:MOST_WORDS]
    if sum(map(len, words)) < SHORTEST:
        return []
    question = Question.model_construct(section=section)
    asked = Search(
        query=_names(words),
        labels=labels,
        filters=tuple(conditions(question)),
        sort=(Sort("score", True), Sort("title_string", False)),
        rows=MOST,
        wanted=_WANTED,
    )
    return [one for one in (_suggestion(stored, language) for stored in found(asked).documents) if one]


def _names(words: list[str]) -> Node:
    """Every word stands in the name, the last one at least as the beginning of a word; whole words count more."""
    *whole, last = words
    begun = both(*(Term("title", word) for word in whole), Prefix("title", last))
    return Better(begun, (Term("title", last), *(Term("title", word) for word in whole)))


def _suggestion(stored: Mapping[str, Any], language: str) -> Suggestion | None:
    shown = hit(stored, Sought(), language)
    if shown is None:
        return None
    label = shown.section.label.get(language) or shown.section.label["en"]
    return Suggestion(title=shown.title.unescape(), section=shown.section.address, section_label=label, url=shown.page)


def known_section(name: str) -> str:
    """The name itself when a section has it, else none."""
    return name if any(section.address == name for section in registry.sections()) else ""
