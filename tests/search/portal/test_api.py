"""`/api/search/v1`: all sections, described by the models that check it, paged to the end while documents change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.search.portal import answering, api, openapi
from jsonschema import Draft202012Validator

from tests.search.portal.conftest import Filled, made, thing

pytestmark = pytest.mark.usefixtures("pages")


def get(pages: CKANTestApp, query: str, status: int = 200, language: str = "en") -> dict[str, Any]:
    address = re.sub(r"^https?://[^/]+", "", query if "/api/" in query else f"/api/search/v1{query}")
    answer = pages.get(address, headers={"Accept-Language": language}, status=status)
    return dict(json.loads(answer.data))


def test_a_hit_has_its_texts_in_all_languages(embedded: Filled, pages: CKANTestApp) -> None:
    title = {"kk": "Мектептер", "ru": "Школы", "en": "Schools"}
    embedded(
        thing("schools", title="Мектептер", title_translated=json.dumps(title), res_format=["CSV"], columns=["school_id"])
    )
    found = get(pages, "?q=schools&facets=true")
    (item,) = found["items"]
    assert (found["count"], item["id"], item["section"], item["title"]) == (1, "schools", "dataset", title)
    assert item["url"].endswith("/dataset/schools")
    assert item["formats"] == ["CSV"]
    assert found["sections"] == [
        {"value": "dataset", "label": {"kk": "Деректер жиындары", "ru": "Наборы данных", "en": "Data sets"}, "count": 1}
    ]
    assert get(pages, "?q=school_id")["items"][0]["columns"] == ["school_id"]


def test_facets_of_a_section_are_exact_values(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(thing("a", extras_category="energy sector"), thing("b", extras_category="energy"))
    found = get(pages, "?section=dataset&facets=true&category=energy")
    assert [one["id"] for one in found["items"]] == ["b"]
    assert {one["value"]: one["count"] for one in found["facets"]["category"]} == {"energy": 1, "energy sector": 1}


def walked(pages: CKANTestApp, address: str | None, between: Callable[[int], None] = lambda _step: None) -> list[str]:
    """What one meets from page to page, to the end; `between` two pages something may happen."""
    met: list[str] = []
    step = 0
    while address:
        found = get(pages, address)
        met += [one["id"] for one in found["items"]]
        address = found["next"]
        between(step)
        step += 1
    return met


def test_everything_is_met_once_while_documents_change_come_and_go(written: Filled, pages: CKANTestApp) -> None:
    sources = {f"set-{number:03d}": thing(f"set-{number:03d}", title="Жинақ") for number in range(300)}
    writer: Any = written(*sources.values())
    gone: list[str] = []

    def change(step: int) -> None:
        changed = [thing(name, title=f"Өзгерді {step}") for name in list(sources)[step::29] if name not in gone]
        writer.put(made(one).entry() for one in (*changed, thing(f"late-{step}", title="Жинақ")))
        gone.append(f"set-{step:03d}")  # a few of the beginning go, met or not
        writer.remove([made(thing(gone[-1])).key])
        writer.commit()

    met = walked(pages, "?sort=id&limit=17", change)
    stayed = [name for name in sources if name not in gone]
    assert len(gone) > 15
    assert sorted(name for name in met if name in stayed) == stayed
    assert len(met) == len(set(met))


@pytest.mark.parametrize("query", ["sort=id", "sort=updated", "sort=name", "q=жинақ&sort=updated", "q=жинақ&sort=id"])
def test_documents_that_are_alike_in_all_that_orders_them_are_met_once(
    written: Filled, pages: CKANTestApp, query: str
) -> None:
    alike = {"title": "Жинақ", "title_string": "Жинақ", "metadata_modified": "2024-01-10T05:00:00"}
    names = [f"n{number:03d}" for number in range(60)]
    written(*(thing(name, **alike) for name in names))
    assert sorted(walked(pages, f"?{query}&limit=7")) == names


def test_pages_in_other_orders_follow_each_other(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(*(thing(f"n{number}", title=f"Т {number}", title_string=f"{number}") for number in range(7)))
    met: list[str] = []
    address: str | None = "?sort=name&limit=3"
    while address:
        found = get(pages, address)
        met += [one["id"] for one in found["items"]]
        address = found["next"]
    assert met == [f"n{number}" for number in range(7)]


def test_pages_of_other_orders_end_at_the_deepest_hit(
    embedded: Filled, pages: CKANTestApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "DEEPEST", 5)
    monkeypatch.setattr(api, "DEEPEST", 5)
    embedded(*(thing(f"n{number}", title_string=f"{number}") for number in range(7)))
    assert walked(pages, "?sort=name&limit=3") == ["n0", "n1", "n2", "n3", "n4"]
    assert walked(pages, "?sort=name&limit=5") == ["n0", "n1", "n2", "n3", "n4"]
    assert sorted(walked(pages, "?sort=id&limit=3")) == [f"n{number}" for number in range(7)]


@pytest.mark.parametrize("sort", ["id", "name"])
def test_the_next_page_is_asked_for_facets_too(embedded: Filled, pages: CKANTestApp, sort: str) -> None:
    embedded(*(thing(f"n{number}", title_string=f"{number}") for number in range(3)))
    assert get(pages, str(get(pages, f"?sort={sort}&limit=1&facets=true")["next"]))["sections"][0]["count"] == 3
    assert get(pages, str(get(pages, f"?sort={sort}&limit=1")["next"]))["sections"] == []


def test_a_chosen_value_that_many_have_more_of_keeps_its_count(
    embedded: Filled, pages: CKANTestApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "MOST_VALUES", 1)
    embedded(*(thing(f"n{number}", extras_category="many") for number in range(2)), thing("few", extras_category="few"))
    found = get(pages, "?section=dataset&facets=true&category=few")["facets"]["category"]
    assert {one["value"]: one["count"] for one in found} == {"many": 2, "few": 1}


def test_how_the_words_were_taken_is_told(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(thing("a", title="Мектеп бюджеті"), thing("b", title="Облыстық жолдар"))

    def told(query: str) -> tuple[Any, ...]:
        found = get(pages, f"?q={query}")
        return found["count"], found["taken"], found["meant"], len(found["hints"])

    assert told("мектеп бюджеті") == (1, "as_typed", None, 0)
    assert told("мектеп бюджит") == (1, "nearest_words", "мектеп бюджеті", 0)
    assert told("мектеп облыстық") == (2, "some_of_the_words", None, 1)
    assert told("мектеп бюджеті облыстик") == (1, "as_typed", "мектеп бюджеті облыстық", 0)
    assert told("қайыңдыбұлақ") == (0, "as_typed", None, 0)


@pytest.mark.parametrize("sort", ["id", "name"])
def test_pages_take_the_words_as_the_first_page_did(written: Filled, pages: CKANTestApp, sort: str) -> None:
    names = [f"n{number}" for number in range(6)]
    writer: Any = written(*(thing(name, title="Мектеп", title_string=name) for name in names))

    def both_words(step: int) -> None:
        if step == 0:
            writer.put([made(thing("z", title="Мектеп облыстық", title_string="z")).entry()])
            writer.commit()

    met = walked(pages, f"?q=мектеп облыстық&sort={sort}&limit=2", both_words)
    assert sorted(name for name in met if name != "z") == names
    assert get(pages, f"?q=мектеп облыстық&sort={sort}")["taken"] == "as_typed"


def test_a_list_that_holds_the_words_does_not_go_on_with_what_holds_some(written: Filled, pages: CKANTestApp) -> None:
    names = [f"n{number}" for number in range(3)]
    others = [thing(f"other-{number}", title="Мектеп") for number in range(9)]
    writer: Any = written(*(thing(name, title="Мектеп облыстық") for name in names), *others)

    def gone(_step: int) -> None:
        writer.remove([made(thing(name)).key for name in names])
        writer.commit()

    met = walked(pages, "?q=мектеп облыстық&sort=id&limit=1", gone)
    assert met[0] in names
    assert len(met) == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?sort=nothing", "search.bad_parameters"),
        ("?limit=1000", "search.bad_parameters"),
        ("?from=yesterday", "search.bad_parameters"),
        ("?section=nothing", "search.bad_parameters"),
        ("?colour=red", "search.bad_parameters"),
        ("?q=" + "a" * 2_001, "search.bad_parameters"),
        ("?cursor=nonsense", "search.bad_cursor"),
        ("?cursor=WyIiLCAtMV0", "search.bad_cursor"),
        ("?sort=id&cursor=WyIiLCA1XQ", "search.bad_cursor"),
        ("?cursor=WyIiLCA5OTk5OV0", "search.too_deep"),
        ("?q={!lucene}x", "search.no_parser"),
    ],
)
def test_what_cannot_be_read_is_a_problem_in_the_callers_language(
    embedded: Filled, pages: CKANTestApp, query: str, code: str
) -> None:
    embedded(thing("a"))
    told = {language: get(pages, query, status=400, language=language) for language in ("kk", "ru", "en")}
    assert {problem["code"] for problem in told.values()} == {code}
    assert len({problem["detail"] for problem in told.values()}) == 3
    assert {problem["type"] for problem in told.values()} == {f"/problems/{code}"}


def test_the_description_is_openapi_and_names_what_is_accepted(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(thing("a"))
    document = get(pages, "/api/search/v1/openapi.json")
    assert document["openapi"] == "3.1.0"
    parameters = {one["name"]: one["schema"] for one in document["paths"]["/v1"]["get"]["parameters"]}
    assert parameters.keys() >= {"q", "section", "from", "to", "sort", "organization", "format", "category", "limit", "cursor"}
    for name, schema in parameters.items():
        value = schema.get("default")
        if value not in (None, "", []):
            get(pages, f"?{name}={json.dumps(value) if isinstance(value, bool) else value}")
    assert parameters["section"]["enum"] == ["", "dataset", "organization"]
    assert openapi.BASE == "/api/search/v1"


def fits(document: dict[str, Any], model: str, told: dict[str, Any]) -> None:
    """The answer is as its schema in the description says; OpenAPI 3.1 is JSON Schema 2020-12."""
    schema = {"$ref": f"#/components/schemas/{model}", "components": document["components"]}
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(told)


def test_answers_are_as_described(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(thing("a", title="Мектептер", metadata_modified="2024-01-10T05:00:00", extras_category="x"))
    document = get(pages, "/api/search/v1/openapi.json")
    fits(document, "Found", get(pages, "?q=мектеп&facets=true&section=dataset"))
    fits(document, "Suggested", get(pages, "/api/search/v1/suggest?q=мект"))
    fits(document, "Problem", get(pages, "?limit=0", status=400))


def test_suggestions(embedded: Filled, pages: CKANTestApp) -> None:
    embedded(thing("a", title="Мектептер тізімі"), thing("b", title="Мектеп бюджеті"), thing("c", title="Жолдар"))
    found = get(pages, "/api/search/v1/suggest?q=мект")["suggestions"]
    assert sorted(one["title"] for one in found) == ["Мектеп бюджеті", "Мектептер тізімі"]
    assert {one["section_label"] for one in found} == {"Data sets"}
    assert get(pages, "/api/search/v1/suggest?q=м")["suggestions"] == []
    assert [one["url"] for one in get(pages, "/api/search/v1/suggest?q=мектеп бюдж")["suggestions"]] == ["/dataset/b"]


def test_names_with_the_whole_word_are_suggested_before_those_that_only_begin_so(embedded: Filled, pages: CKANTestApp) -> None:
    begun = [f"Мектептің {n}" for n in range(9, 0, -1)]
    others = [thing(f"other-{title[-1]}", title=title, title_string=title) for title in begun]
    embedded(*others, thing("whole", title="Ауылдағы мект туралы"), thing("both", title="Мект және мектептің"))
    found = [one["title"] for one in get(pages, "/api/search/v1/suggest?q=мект")["suggestions"]]
    assert set(found[:2]) == {"Ауылдағы мект туралы", "Мект және мектептің"}
    assert found[2:] == [f"Мектептің {n}" for n in range(1, 7)]
