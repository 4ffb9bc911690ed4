"""The page `/search`: filters that keep their counts, words marked, hints, refusals in sentences, help, never an error."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup, Tag
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.search import connection
from ckanext.kzopen.search.engines.base import Answer, EngineError, Search
from ckanext.kzopen.search.portal import answering

from tests.search.portal.conftest import Filled, Source, made, thing

pytestmark = pytest.mark.usefixtures("pages")


def school(name: str, title: str, formats: list[str], category: str, day: str) -> Source:
    changed = f"{day}T20:00:00"
    return thing(name, title=title, res_format=formats, extras_category=category, metadata_modified=changed)


SETS = (
    school("a", "Мектептер тізімі", ["CSV"], "education", "2024-01-10"),
    school("b", "Мектеп бюджеті", ["CSV", "XLSX"], "economy", "2024-02-10"),
    school("c", "Бюджет", ["PDF"], "economy", "2024-03-10"),
    thing("d", title="Ministry of transport", entity_type="organization", organization="ministry"),
)


def page(pages: CKANTestApp, address: str, status: int = 200) -> BeautifulSoup:
    answer = pages.get(address, status=status)
    return BeautifulSoup(answer.data, "html.parser")


def names(shown: BeautifulSoup) -> list[str]:
    return [link["href"].rsplit("/", 1)[1] for link in shown.select(".hits h3 a")]


def values(shown: BeautifulSoup, name: str) -> dict[str, tuple[int, bool]]:
    """The values of a filter with their counts, and whether they are chosen."""
    return {
        box["value"]: (int(_label(box).select_one(".count").get_text()), box.has_attr("checked"))
        for box in shown.select(f"input[name={name}]")
    }


def _label(box: Tag) -> Tag:
    label = box.find_parent("label")
    assert isinstance(label, Tag)
    return label


def test_one_list_over_all_sections(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    shown = page(pages, "/en/search")
    assert sorted(names(shown)) == ["a", "b", "c", "d"]
    tabs = {" ".join(link.get_text(" ").split()) for link in shown.select(".search-sections a")}
    assert tabs >= {"Everything 4", "Data sets 3", "Organizations 1"}


def test_counts_stay_when_a_value_is_chosen(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    before = values(page(pages, "/en/search?section=dataset"), "format")
    assert before == {"CSV": (2, False), "PDF": (1, False), "XLSX": (1, False)}
    chosen = page(pages, "/en/search?section=dataset&format=CSV")
    assert values(chosen, "format") == {"CSV": (2, True), "PDF": (1, False), "XLSX": (1, False)}
    assert values(chosen, "category") == {"education": (1, False), "economy": (1, False)}
    assert names(chosen) == ["b", "a"]


def test_a_chosen_value_that_many_have_more_of_stays_in_the_list(
    embedded: Filled, pages: CKANTestApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "MOST_VALUES", 2)
    embedded(*SETS, *(school(f"more-{n}", "Мектеп", ["CSV", "XLSX", "JSON"], "x", "2024-01-01") for n in range(2)))
    chosen = page(pages, "/en/search?section=dataset&format=PDF&format=CSV&format=none")
    assert values(chosen, "format") == {"CSV": (4, True), "XLSX": (3, False), "PDF": (1, True), "none": (0, True)}
    assert [link.b.get_text() for link in chosen.select(".applied a")] == ["CSV", "PDF", "none"]


def test_several_values_are_alternatives(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    both = page(pages, "/en/search?section=dataset&format=PDF&format=XLSX")
    assert names(both) == ["c", "b"]
    assert values(both, "format") == {"CSV": (2, False), "PDF": (1, True), "XLSX": (1, True)}


def test_the_last_day_is_a_whole_day_in_astana(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    assert names(page(pages, "/en/search?section=dataset&from=2024-02-01&to=2024-03-11")) == ["c", "b"]
    assert names(page(pages, "/en/search?section=dataset&from=2024-02-01&to=2024-03-10")) == ["b"]


def test_order(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    assert names(page(pages, "/en/search?section=dataset&sort=updated")) == ["c", "b", "a"]
    by_key = sorted("abc", key=lambda name: made(thing(name)).key)
    assert names(page(pages, "/en/search?section=dataset&sort=id")) == by_key


def test_the_words_are_marked(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    shown = page(pages, "/kk/search?q=мектептің")
    assert sorted(mark.get_text() for mark in shown.select(".hits h3 mark")) == ["Мектеп", "Мектептер"]


def test_signs_of_people_are_text_and_nothing_else(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(thing("evil", title='<img src=x onerror="alert(1)"> мектеп'))
    answer = pages.get("/en/search?q=<script>alert(1)</script> мектеп")
    assert b"<script>alert" not in answer.data
    assert b"<img src=x" not in answer.data


def test_a_filter_is_taken_away_by_a_link(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    shown = page(pages, "/en/search?section=dataset&format=CSV&format=PDF&from=2024-01-01")
    links = [link["href"] for link in shown.select(".applied a")]
    assert links == [
        "/en/search?section=dataset&from=2024-01-01&format=PDF",
        "/en/search?section=dataset&from=2024-01-01&format=CSV",
        "/en/search?section=dataset&format=CSV&format=PDF",
    ]


def test_a_broken_query_has_a_hint(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    shown = page(pages, '/en/search?q=(мектеп "')
    assert len(shown.select(".hint")) == 2
    assert sorted(names(shown)) == ["a", "b"]


def test_when_nothing_is_found_the_page_says_what_would_be(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    shown = page(pages, "/en/search?section=dataset&q=мектеп %2Bzzzz&format=PDF")
    assert "Nothing was found" in shown.select_one("#results-heading").get_text()
    assert shown.select(".ways li") == []  # with both in the way, no single step helps
    shown = page(pages, "/en/search?section=dataset&q=мектеп %2Bzzzz")
    offered = {link.get_text(): link["href"] for link in shown.select(".ways a")}
    assert list(offered) == ["without the word “zzzz”"]
    assert names(page(pages, offered["without the word “zzzz”"])) != []


ODD = [
    "q={!bool must=x}",
    "q=" + " ".join(f"*слово{number}" for number in range(9)),
    "q=" + " OR ".join(f"w{number}" for number in range(300)),
    "q=%00",
    "q=%ff%fe",
    "q=" + "а" * 3_000,
    "page=0",
    "page=-1",
    "page=99999999999999",
    "page=501",
    "from=yesterday&to=2024-13-99",
    "to=9999-12-31",
    "section=nothing",
    "sort=nothing",
    "format=" + "x" * 900,
    "unknown=1&q=a&q=b",
    "q=title:&sort=",
    "q=" + "(" * 500,
    "q=updated:[2024 TO nonsense}",
]


def test_a_typing_error_finds_what_was_meant_and_says_so(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    shown = page(pages, "/kk/search?q=мектеп бюджит")
    assert names(shown)[0] == "b"
    assert "«мектеп бюджеті»" in shown.select_one(".meant").get_text()
    assert shown.select_one("#search-q")["value"] == "мектеп бюджит"


@pytest.mark.parametrize(("language", "said"), [("kk", "кейбір сөздер"), ("ru", "некоторые"), ("en", "some of them")])
def test_when_nothing_has_all_words_what_has_some_is_shown_and_said(
    embedded: Filled, pages: CKANTestApp, language: str, said: str
) -> None:
    embedded(*SETS)
    shown = page(pages, f"/{language}/search?section=dataset&q=мектеп+қайыңдыбұлақ")
    assert sorted(names(shown)) == ["a", "b"]
    assert said in shown.select_one(".hint").get_text()
    assert values(shown, "format") == {"CSV": (2, False), "XLSX": (1, False)}
    assert shown.select_one(".search-sections [aria-current] .count").get_text() == "2"
    assert names(page(pages, f"/{language}/search?section=dataset&q=мектеп+қайыңдыбұлақ&format=XLSX")) == ["b"]


def test_what_was_meant_is_offered_above_what_only_some_words_find(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS, thing("e", title="Мемлекеттік сатып алу"))
    shown = page(pages, "/en/search?q=мемлекеттік бюджит")
    (link,) = shown.select(".meant a")
    assert link.get_text() == "мемлекеттік бюджеті"
    assert "some of them" in shown.select_one(".hint").get_text()


def test_a_word_that_nothing_has_is_told_though_the_others_find_something(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS, thing("e", title="Облыстық мектеп бюджеті"))
    shown = page(pages, "/en/search?q=мектеп бюджеті облыстик")
    assert sorted(names(shown)) == ["b", "e"]
    (link,) = shown.select(".meant a")
    assert link.get_text() == "мектеп бюджеті облыстық"
    assert names(page(pages, link["href"]))[0] == "e"
    assert page(pages, link["href"]).select(".meant") == []


def test_a_question_mark_at_the_end_keeps_no_word_from_being_found(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    shown = page(pages, "/kk/search?q=бюджит%3F")
    assert "b" in names(shown)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_nothing_that_is_asked_is_an_error_of_the_portal(embedded: Filled, pages: CKANTestApp, language: str) -> None:
    embedded(*SETS)
    answers = {query: pages.get(f"/{language}/search?{query}", status=None).status_code for query in ODD}
    assert {query[:80]: status for query, status in answers.items() if status not in (200, 400, 404)} == {}


def test_a_refusal_is_a_sentence_above_the_form(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    for language, words in (("kk", "басталмауы"), ("ru", "не может начинаться"), ("en", "cannot begin")):
        shown = page(pages, f"/{language}/search?q={{!bool must=x}}", status=400)
        assert words in shown.select_one("[role=alert]").get_text()
        assert shown.select_one("#search-q")["value"] == "{!bool must=x}"


def test_pages_deeper_than_ten_thousand_name_the_address_that_goes_on(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*SETS)
    shown = page(pages, "/en/search?page=501", status=400)
    assert "/api/search/v1?sort=id" in shown.select_one("[role=alert]").get_text()
    shown = page(pages, "/en/search?page=501&q=a&section=dataset&format=CSV&sort=name", status=400)
    assert "/api/search/v1?q=a&section=dataset&sort=id&format=CSV" in shown.select_one("[role=alert]").get_text()


class Away:
    """An engine that does not answer."""

    def search(self, _search: Search) -> Answer:
        raise EngineError("away")


def test_an_engine_that_is_away_is_told(pages: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "reader", Away)
    shown = page(pages, "/en/search?q=budget", status=503)
    assert re.search("does not work at the moment", shown.select_one("[role=alert]").get_text())


def test_what_has_no_document_field_is_shown_all_the_same(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(thing("bare"))
    assert names(page(pages, "/en/search?q=bare")) == ["bare"]
