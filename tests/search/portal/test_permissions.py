"""Nobody learns from any answer of the search that there is something which they may not see.

The matrix is generated: what is hidden × who asks × the way in which it might be told, on each engine.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ckanext.kzopen.search import visibility
from ckanext.kzopen.search.portal import reading
from ckanext.kzopen.search.portal.answering import Labels, answer, count, following
from ckanext.kzopen.search.portal.helping import instead, meant, ways
from ckanext.kzopen.search.portal.hits import Sought, hit
from ckanext.kzopen.search.portal.question import Question, lenient
from ckanext.kzopen.search.portal.suggestions import suggestions
from ckanext.kzopen.search.spelling import Taken

from tests.search.portal.conftest import Filled, Source, thing

pytestmark = pytest.mark.usefixtures("pages")

SECRET = "құпияқойма"
OWNER = "11111111-1111-1111-1111-111111111111"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat()


def secret(**fields: Any) -> Source:
    """A data set whose every word and value is its own."""
    given = {
        "title": f"{SECRET} тізімі",
        "notes": f"Мұнда {SECRET} туралы айтылады",
        "owner_org": OWNER,
        "organization": "secret-agency",
        "res_format": ["SECRETFORMAT"],
        "extras_category": "secret-category",
        "columns": ["secret_column", SECRET],
    }
    return thing("secret", **{**given, **fields})


HIDDEN: dict[str, Source] = {
    "private": secret(permission_labels=[f"member-{OWNER}"], private=True, capacity="private"),
    "draft": secret(permission_labels=[f"member-{OWNER}", "creator-author"], state="draft"),
    "embargo": secret(visible_from=TOMORROW),
}
READERS: dict[str, Labels] = {
    "anonymous": frozenset({"public"}),
    "stranger": frozenset({"public", "creator-stranger", "member-22222222-2222-2222-2222-222222222222"}),
    "member": frozenset({"public", f"member-{OWNER}"}),
    "operator": None,
}
SEES = {("private", "member"), ("private", "operator"), ("embargo", "member"), ("embargo", "operator")}
"""Drafts are in no list, as in CKAN's own search; their authors find them on their desk."""


def asked(**given: str) -> Question:
    return lenient({name: [value] for name, value in given.items()})


def result(labels: Labels) -> bool:
    return bool(answer(asked(q=SECRET), labels).documents)


def result_of_everything(labels: Labels) -> bool:
    return "secret" in [one["name"] for one in answer(asked(), labels).documents]


def walk(labels: Labels) -> bool:
    return "secret" in [one["name"] for one in following(asked(sort="id"), labels, "", 20, False).documents]


def named_field(labels: Labels) -> bool:
    return bool(answer(asked(q=f"title:{SECRET} OR name:secret OR columns:secret_column"), labels).documents)


def beginning_of_a_word(labels: Labels) -> bool:
    return bool(answer(asked(q=f"{SECRET[:5]}*"), labels).documents)


def count_of_hits(labels: Labels) -> bool:
    return count(asked(q=SECRET), labels) > 0


def count_of_sections(labels: Labels) -> bool:
    return bool(answer(asked(q=SECRET), labels).sections)


def facet(labels: Labels) -> bool:
    found = answer(asked(section="dataset"), labels).filters
    values = {value for counts in found.values() for value, _count in counts}
    return bool(values & {"SECRETFORMAT", "secret-agency", "secret-category"})


def facet_that_is_chosen(labels: Labels) -> bool:
    found = answer(asked(section="dataset", format="SECRETFORMAT"), labels).filters
    return any(count for _value, count in found["format"] if _value == "SECRETFORMAT")


def suggestion(labels: Labels) -> bool:
    return bool(suggestions(SECRET[:6], labels, "kk"))


def highlight(labels: Labels) -> bool:
    found = answer(asked(q=SECRET), labels)
    sought = Sought(reading.tokens(found.reading.node))
    return any("<mark>" in str(one.text) for one in (hit(stored, sought, "kk") for stored in found.documents) if one)


def help_when_nothing_is_found(labels: Labels) -> bool:
    return any(way.hits for way in ways(asked(q=f"{SECRET} zzzz"), labels) if way.value == "zzzz")


def did_you_mean(labels: Labels) -> bool:
    misspelt = SECRET.replace("қойма", "койба")
    return meant(asked(q=misspelt), labels) is not None


def fallback_to_the_nearest_word(labels: Labels) -> bool:
    found = answer(asked(q=SECRET.replace("қойма", "койба")), labels)
    return bool(found.documents or found.corrected or found.sections)


def fallback_to_some_of_the_words(labels: Labels) -> bool:
    return bool(answer(asked(q=f"{SECRET} zzzz"), labels).documents)


def walk_of_a_fallback(labels: Labels) -> bool:
    return bool(following(asked(q=f"{SECRET} zzzz", sort="id"), labels, "", 20, True, Taken.SOME).documents)


def did_you_mean_beside_hits(labels: Labels) -> bool:
    question = asked(q=f"ашық тізім {SECRET.replace('қойма', 'койба')}")
    return instead(answer(question, labels), labels) is not None


def trick_with_labels(labels: Labels) -> bool:
    return bool(answer(asked(q=f'permission_labels:"member-{OWNER}"'), labels).documents)


WAYS: list[Callable[[Labels], bool]] = [
    result,
    result_of_everything,
    walk,
    named_field,
    beginning_of_a_word,
    count_of_hits,
    count_of_sections,
    facet,
    facet_that_is_chosen,
    suggestion,
    highlight,
    help_when_nothing_is_found,
    did_you_mean,
    fallback_to_the_nearest_word,
    fallback_to_some_of_the_words,
    walk_of_a_fallback,
    did_you_mean_beside_hits,
]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_is_hidden_is_told_in_no_way(searched: Filled, hidden: str) -> None:
    searched(HIDDEN[hidden], thing("open", title="Ашық тізім", res_format=["CSV"]))
    told = {(reader, way.__name__): way(labels) for reader, labels in READERS.items() for way in WAYS}
    assert told == {(reader, way): (hidden, reader) in SEES for reader, way in told}


@pytest.mark.parametrize("hidden", HIDDEN)
def test_naming_labels_in_a_query_opens_nothing(searched: Filled, hidden: str) -> None:
    searched(HIDDEN[hidden])
    assert not trick_with_labels(READERS["stranger"])


def test_what_has_opened_is_found_by_everybody(searched: Filled) -> None:
    searched(secret(visible_from=YESTERDAY))
    assert [reader for reader, labels in READERS.items() if not result(labels)] == []


def test_the_labels_of_an_embargoed_document_name_its_agency() -> None:
    assert visibility.labels_of(secret(visible_from=TOMORROW)) == ["public", f"member-{OWNER}"]
    assert visibility.labels_of(secret()) == ["public"]
