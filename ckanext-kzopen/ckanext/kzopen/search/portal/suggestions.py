"""Suggestions while somebody types: names that hold the words typed so far, the last of which may be half a word.

Names that hold the last word as a whole come first, the best of them at the top; names in which it is only begun follow in the
order of names. That is two questions with one order each: hundreds of equally good names must not be looked at for eight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ckanext.kzopen.search import analysis, registry
from ckanext.kzopen.search.engines.base import Search, Sort
from ckanext.kzopen.search.portal.answering import Labels, conditions, found
from ckanext.kzopen.search.portal.hits import Sought, hit
from ckanext.kzopen.search.portal.question import LONGEST, Question
from ckanext.kzopen.search.tree import Not, Prefix, Term, both
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
    stored = _stored(words, labels, Question.model_construct(section=section))
    return [one for one in (_suggestion(name, language) for name in stored) if one]


def _stored(words: list[str], labels: Labels, question: Question) -> list[dict[str, Any]]:
    """What the index has of the names, the best first."""
    *before, last = words
    whole, begun = Term("title", last), Prefix("title", last)
    said = [Term("title", word) for word in before]
    asked = Search(query=both(*said, whole), labels=labels, filters=tuple(conditions(question)), rows=MOST, wanted=_WANTED)
    best = found(replace(asked, sort=(Sort("score", True),))).documents
    if len(best) == MOST:
        return best
    rest = replace(asked, query=both(*said, begun, Not(whole)), rows=MOST - len(best), sort=(Sort("title_string", False),))
    return best + found(rest).documents


def _suggestion(stored: Mapping[str, Any], language: str) -> Suggestion | None:
    shown = hit(stored, Sought(), language)
    if shown is None:
        return None
    label = shown.section.label.get(language) or shown.section.label["en"]
    return Suggestion(title=shown.title.unescape(), section=shown.section.address, section_label=label, url=shown.page)


def known_section(name: str) -> str:
    """The name itself when a section has it, else none."""
    return name if any(section.address == name for section in registry.sections()) else ""
