"""Every code has a sentence in three languages, with the same facts in each."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import ckanext.kzopen.validation as package
import frictionless
import pytest
from ckanext.kzopen.validation.report import Finding, Report, restored
from ckanext.kzopen.validation.sentences import LANGUAGES, table

SOURCES = Path(package.__path__[0])
RAISED = re.compile(r'Unreadable\(\s*"([a-z-]+)",\s*"([a-z-]*)"')


def codes() -> list[str]:
    """The codes of all errors that frictionless has."""

    def below(cls: type) -> list[type]:
        return [cls, *(found for child in cls.__subclasses__() for found in below(child))]

    return sorted({cls.type for cls in below(frictionless.Error) if hasattr(cls, "type")})


def refusals() -> list[str]:
    """`code.reason` of every refusal in our own source."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py"))
    return sorted({f"{code}.{reason}" if reason else code for code, reason in RAISED.findall(text)})


def placeholders(template: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(template) if name}


@pytest.mark.parametrize("code", [*codes(), *refusals()])
def test_each_code_and_each_refusal_has_its_sentence(code: str) -> None:
    assert set(table()[code]) == set(LANGUAGES)


def test_the_source_was_really_searched_for_refusals() -> None:
    assert "encoding-error.unknown" in refusals()
    assert len(refusals()) > 20


@pytest.mark.parametrize("key", sorted(table()))
def test_each_sentence_is_there_in_three_languages_with_the_same_facts(key: str) -> None:
    sentences = table()[key]
    assert set(sentences) == set(LANGUAGES)
    assert len({frozenset(placeholders(sentences[lang])) for lang in LANGUAGES}) == 1
    assert sentences["kk"] != sentences["ru"] != sentences["en"]


@pytest.mark.parametrize("key", [key for key in sorted(table()) if not key.startswith("type.")])
def test_sentences_are_written_in_the_letters_of_their_language(key: str) -> None:
    sentences = table()[key]
    assert re.search("[әғқңөұүіһ]", sentences["kk"].lower())
    assert not re.search("[әғқңөұүһ]", sentences["ru"].lower())
    assert not re.search("[а-яёәі]", sentences["en"].lower())


def test_a_finding_tells_what_is_wrong_in_each_language() -> None:
    finding = Finding(
        "constraint-error", "…", reason="minimum", row=3, field="age", number=3, cell="26", params={"limit": "28"}
    )
    assert finding.sentence("kk") == ("3-жол, «age» бағаны: «26» ең аз рұқсат етілген мәннен (28) кіші. Мәнді түзетіңіз.")
    assert finding.sentence("ru") == (
        "Строка 3, столбец «age»: «26» меньше наименьшего допустимого значения (28). Исправьте значение."
    )
    assert finding.sentence("en") == "Row 3, column “age”: “26” is below the least allowed value (28). Correct the value."


def test_cells_with_braces_are_told_as_they_are() -> None:
    finding = Finding("type-error", "…", reason="integer", row=2, field="n", cell="{row}{0}{cell.__class__}")
    assert "{row}{0}{cell.__class__}" in finding.sentence("en")


def test_a_report_survives_being_stored() -> None:
    finding = Finding("blank-row", "…", row=4)
    report = Report(10, {"blank-row": 1500}, (finding,))
    assert restored(report.stored()) == report
    assert report.to_dict("kk")["errors"] == 1500
    assert report.to_dict("kk")["listed"] == 1
    assert report.to_dict("kk")["findings"][0]["sentence"] == "4-жол толығымен бос. Бос жолды алып тастаңыз."


@pytest.mark.parametrize("key", [key for key in sorted(table()) if key.startswith("schema-error.published-")])
def test_how_many_rows_there_are_agrees_with_no_word(key: str) -> None:
    """Words behind a number would have to follow it: 1 строка, 2 строки, 5 строк."""
    assert all(": {count})" in sentence for sentence in table()[key].values())
