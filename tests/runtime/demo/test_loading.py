"""What the loader decides without a portal: whether anything has to be sent at all, and under which key."""

from __future__ import annotations

import httpx
import pytest
from ckanext.kzopen.runtime.demo.api import sentence_of
from ckanext.kzopen.runtime.demo.catalogue import data_sets
from ckanext.kzopen.runtime.demo.load import MARKS, passport_of
from ckanext.kzopen.runtime.demo.loading import File, Outcome, Summary, key_of, same_passport
from ckanext.kzopen.runtime.demo.showing import sentence

PASSPORT = {
    "title": {"kk": "Өзендер", "ru": "Реки"},
    "owner": "demo-geography",
    "keywords": {"kk": ["өзен"], "ru": []},
    "responsible": {"name": {"kk": "Бөлім", "ru": "Отдел", "en": ""}},
}
TOLD = {
    "uri": "demo-rivers",
    "title": {"kk": "Өзендер", "ru": "Реки"},
    "owner": "demo-geography",
    "keywords": {"kk": ["өзен"]},
    "responsible": {"name": {"kk": "Бөлім", "ru": "Отдел"}},
    "version": None,
}


def test_a_passport_that_is_there_already_is_recognised_without_its_empty_parts():
    assert same_passport(TOLD, PASSPORT)


@pytest.mark.parametrize(
    "change",
    [{"title": {"kk": "Көлдер", "ru": "Реки"}}, {"owner": "demo-ministry"}, {"keywords": {}}, {"responsible": None}],
    ids=["title", "owner", "keywords", "responsible"],
)
def test_a_passport_that_differs_in_anything_is_sent_again(change: dict[str, object]):
    assert not same_passport(TOLD | change, PASSPORT)


def test_the_key_is_the_same_for_the_same_schema_and_bytes_only():
    schema = {"fields": [{"name": "a"}]}
    key = key_of(schema, b"a\n1\n")
    assert key == key_of(dict(schema), b"a\n1\n")
    assert key not in (key_of(schema, b"a\n2\n"), key_of({"fields": [{"name": "b"}]}, b"a\n1\n"))
    assert len(key) <= 255


def test_the_media_type_follows_the_name_in_any_case():
    assert File("Население.XLSX", b"").media_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert File("a.csv", b"").media_type == "text/csv"


@pytest.mark.parametrize("data_set", data_sets(), ids=lambda d: d.uri)
def test_every_passport_says_that_it_is_a_demonstration(data_set):
    passport = passport_of(data_set)
    for language in ("kk", "ru"):
        assert passport["description"][language].startswith(MARKS[data_set.figures][language])
    assert "demo" in passport["keywords"]["en"]
    assert passport["responsible"]["email"].endswith(".example.org")


def test_a_summary_counts_how_everything_ended():
    summary = Summary([Outcome("a", "loaded", rows=3), Outcome("b", "refused", "why"), Outcome("c", "loaded", rows=4)])
    assert summary.counts == {"loaded": 2, "refused": 1}
    assert summary.ended("refused") == [Outcome("b", "refused", "why")]
    assert sentence(summary) == "2 loaded, 1 refused; 7 rows"


def test_nothing_to_load_is_said_in_words():
    assert sentence(Summary([])) == "nothing to load; 0 rows"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"detail": "No such owner."}, "No such owner."),
        ({"error": {"__type": "Validation Error", "name": ["taken"]}}, "name: ['taken']"),
        (
            {"detail": "Refused.", "report": {"errors": 9, "findings": [{"sentence": f"Row {n}."} for n in range(1, 6)]}},
            "Refused. Row 1. Row 2. Row 3. (9 in all)",
        ),
    ],
    ids=["problem", "action", "report"],
)
def test_what_the_portal_says_is_told_as_a_sentence(answer: dict[str, object], sentence: str):
    assert sentence_of(httpx.Response(422, json=answer)) == sentence


def test_an_answer_that_is_no_json_is_told_by_its_status():
    assert sentence_of(httpx.Response(502, text="<html>")) == "502 Bad Gateway"
