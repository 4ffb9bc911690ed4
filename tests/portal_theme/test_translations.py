"""Every string of ours has a Kazakh and a Russian translation that can be trusted."""

from __future__ import annotations

import polib
import pytest

from portal_theme.checking import entry_findings, findings
from portal_theme.extraction import our_messages
from portal_theme.languages import DOMAIN, LANGUAGES, OUR_CATALOGUES, catalogue

NOTHING_ALLOWED: frozenset[str] = frozenset()


def test_nothing_is_missing_doubtful_or_copied() -> None:
    assert [str(finding) for finding in findings()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogues_follow_the_source(language: str) -> None:
    known = {entry.msgid for entry in polib.pofile(str(catalogue(OUR_CATALOGUES, language, DOMAIN)))}
    assert known == set(our_messages())


def what(entry: polib.POEntry, language: str = "ru", allowed: frozenset[str] = NOTHING_ALLOWED) -> list[str]:
    """What the check says of one entry."""
    return [finding.what for finding in entry_findings(entry, language, allowed)]


def test_a_fuzzy_translation_is_refused() -> None:
    assert what(polib.POEntry(msgid="Rows", msgstr="Строки", flags=["fuzzy"])) == ["fuzzy"]


def test_an_empty_translation_is_refused() -> None:
    assert what(polib.POEntry(msgid="Rows", msgstr="")) == ["no translation"]


def test_a_plural_without_all_its_forms_is_refused() -> None:
    two_of_three = {0: "{n} строка", 1: "{n} строки"}
    assert what(polib.POEntry(msgid="{n} row", msgid_plural="{n} rows", msgstr_plural=two_of_three)) == ["no translation"]


def test_english_left_as_it_was_is_refused_unless_allowed() -> None:
    copied = polib.POEntry(msgid="API", msgstr="API")
    assert what(copied) == ["same as the English"]
    assert what(copied, allowed=frozenset({"API"})) == []


@pytest.mark.parametrize("translation", ["Версия", "Версия %(number)s", "Версия {nomber}"])
def test_a_lost_placeholder_is_refused(translation: str) -> None:
    assert what(polib.POEntry(msgid="Version {number}", msgstr=translation)) == ["placeholders differ from the English"]
