"""`package_search` and the list of data sets tell when what they give does not hold the words as they were typed."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests import factories
from ckan.tests.helpers import CKANTestApp, call_action

from tests.search.test_drift import admin

pytestmark = pytest.mark.usefixtures("with_plugins")


def letters() -> str:
    """A word of its own: thirty letters, so that no other test's is near."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in uuid.uuid4().hex[:30])


@pytest.fixture
def word() -> str:
    return letters()


def published(title: str, **fields: Any) -> dict[str, Any]:
    passport = {"title_translated": {"kk": title, "ru": title}, "name": f"hint-{title}", "category": "economy"}
    given = {"owner_org": factories.Organization()["id"], "periodicity": "YEARLY", "responsible_email": "a@example.org"}
    return call_action("package_create", context={"user": admin()}, **passport, **given, **fields)


def search(query: str, **more: Any) -> dict[str, Any]:
    return call_action("package_search", context={"user": "", "ignore_auth": False}, q=query, **more)


def test_what_was_taken_for_the_words_is_told_beside_the_count(word: str) -> None:
    dataset = published(word)
    typed = word[:9] + word[10:]
    found = search(f"{typed},")
    assert [one["name"] for one in found["results"]] == [dataset["name"]]
    assert found["search_hint"] == {"taken": "nearest_words", "q": f"{word},"}
    some = search(f"{word} {letters()}")
    assert (some["count"], some["search_hint"]) == (1, {"taken": "some_of_the_words"})


def test_nothing_is_told_when_words_are_taken_as_typed(word: str) -> None:
    published(word)
    typed = word[:9] + word[10:]
    for query, count in ((word, 1), (f'"{typed}"', 0), (f"+{typed}", 0), (f"title:{typed}", 0), (letters(), 0)):
        found = search(query)
        assert (found["count"], "search_hint" in found) == (count, False), query


def test_a_hint_betrays_no_hidden_word(word: str) -> None:
    published(word, private=True)
    found = search(word[:9] + word[10:], include_private=True)
    assert (found["count"], "search_hint" in found) == (0, False)


@pytest.mark.parametrize(
    ("language", "corrected", "some"),
    [("kk", "дегіңіз келді ме", "кейбір сөздер"), ("ru", "имели в виду", "некоторые"), ("en", "Did you mean", "some of them")],
)
def test_the_list_of_data_sets_tells_it(app: CKANTestApp, word: str, language: str, corrected: str, some: str) -> None:
    published(word)

    def hint(query: str) -> str:
        shown = BeautifulSoup(app.get(f"/{language}/dataset/?q={query}").data, "html.parser").select_one(".hint")
        return shown.get_text() if shown else ""

    typed = word[:9] + word[10:]
    assert corrected in hint(typed)
    assert word in hint(typed)
    assert some in hint(f"{word}+{letters()}")
    assert hint(word) == ""
