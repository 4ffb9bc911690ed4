"""The portal's lists: each data set once, repeats told, an owner for each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml
from ckanext.kzopen.runtime.demo import corpus as corpora
from ckanext.kzopen.runtime.demo.corpus_agencies import without_repeats
from ckanext.kzopen.runtime.demo.loading import Outcome
from ckanext.kzopen.runtime.demo.organisations import Organisation
from ckanext.kzopen.runtime.demo.portal_lists import (
    Body,
    Link,
    category_of,
    first_ones,
    owners_by_order,
    owners_by_title,
    read_lists,
)

HINTS = yaml.safe_load(corpora.HINTS.read_text(encoding="utf-8"))


def body(name: str, short: str, sets: int, kind: str = "mio") -> Body:
    return Body(Organisation(name, {"ru": short}, {}, {"kind": kind}), short, sets)


def link(uri: str, title: str = "", data: str = "https://data.example.org") -> Link:
    return Link(uri, title, data, f"https://portal.example.org/view?index={uri}")


def test_a_link_that_is_named_twice_is_taken_once_and_told_once():
    first, left_out = first_ones([link("a"), link("b"), link("a")], set())
    assert [found.uri for found in first] == ["a", "b"]
    assert left_out == [Outcome("a", "repeat", "the list names it twice")]


def test_a_link_without_data_is_no_data_set():
    first, left_out = first_ones([link("service", data="")], set())
    assert first == []
    assert [outcome.end for outcome in left_out] == ["refused"]


def test_a_list_is_cut_in_proportion_to_the_counters():
    bodies = [body("a", "А", 2), body("b", "Б", 0), body("c", "В", 4)]
    assert [owner.organisation.name for owner in owners_by_order(9, bodies)] == ["a"] * 3 + ["c"] * 6


def test_a_region_in_the_title_decides_over_the_order():
    akmola, aktobe = body("akmola", "Акмолинская обл.", 1), body("zko", "ЗКО", 1)
    links = [link("x", "Школы Западно-Казахстанской области"), link("y", "Школы"), link("z", "Акмолинская и ЗКО")]
    owners = owners_by_title(links, [akmola] * 3, [akmola, aktobe], {"ЗКО": "Западно-Казахстанск"})
    assert [owner.organisation.name for owner in owners] == ["zko", "akmola", "akmola"]


@pytest.mark.parametrize(
    ("title", "category"),
    [("Перечень государственных больниц", "health"), ("Автопарки в области", "transport"), ("График приема", "governance")],
)
def test_a_category_is_read_from_the_words_of_a_title(title: str, category: str):
    assert category_of(title, HINTS["categories"]) == category


@pytest.mark.corpus
def test_the_lists_hold_2841_links_to_2552_data_sets(corpus: Path):
    lists = read_lists(corpus, HINTS)
    assert len(lists.items) == len({item.uri for item in lists.items}) == 2552
    assert Counter(outcome.end for outcome in lists.left_out) == {"repeat": 285, "refused": 4}
    assert len(lists.items) + len(lists.left_out) == 2841


@pytest.mark.corpus
def test_every_body_of_the_lists_becomes_one_agency_and_every_passport_has_one_of_them(corpus: Path):
    opened = corpora.open_corpus(corpus)
    names = [row["address"] for row in opened.agencies.rows]
    assert len(names) == len(set(names))
    levels = Counter(level for level, _body in opened.lists.organisations)
    assert levels == {"cgo": 32, "mio": 20, "quasi": 1178}
    without_parent = sum("parent" not in row for row in opened.agencies.rows)
    assert (without_parent, Counter(outcome.end for outcome in opened.agencies.left_out)["repeat"]) == (1212, 18)
    assert {item.passport["owner"] for item in opened.lists.items} <= set(names)


@pytest.mark.corpus
def test_the_districts_stand_below_the_20_regions_without_those_that_are_out_of_date(corpus: Path):
    agencies = corpora.open_corpus(corpus).agencies
    districts = [row for row in agencies.rows if "parent" in row]
    outdated = [outcome for outcome in agencies.left_out if outcome.end == "refused"]
    assert (len(districts), len(outdated)) == (234, 31)
    assert {outcome.reason for outcome in outdated} == {"the register says that it is out of date"}
    regions = {row["address"] for row in agencies.rows if row["kind"] == "region"}
    assert {row["parent"] for row in districts} == regions
    assert {row["kind"] for row in districts} == {"district", "city"}


def test_a_name_that_only_repeats_the_russian_one_is_left_out():
    assert without_repeats({"kk": "АПК РК", "ru": "АПК РК", "en": "APK"}) == {"ru": "АПК РК", "en": "APK"}


@pytest.mark.parametrize("licence", ["GPL-2.0-or-later", "AGPL-3.0 (LICENSE)", "LGPL-3.0", "CC BY-SA 4.0"])
def test_a_file_under_a_licence_that_binds_is_for_tests_only(licence: str):
    reason = corpora.not_to_be_shown("catalogue/datasets/a.csv", corpora.Source("somewhere", licence))
    assert reason == f"for tests only: {licence}"


def test_a_folder_that_is_no_corpus_is_named_with_what_is_missing(tmp_path: Path):
    with pytest.raises(corpora.NotACorpus, match=r"SOURCES\.md is missing"):
        corpora.open_corpus(tmp_path)
