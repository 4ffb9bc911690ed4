"""Both engines give the answers that CKAN's users expect of Solr, and where told, better ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ckanext.kzopen.search import document, solr_request
from ckanext.kzopen.search.engines.base import Answer, Reader
from ckanext.kzopen.search.engines.base import Engine as SearchEngine

from tests.search.conftest import SITE, made, source

Index = Callable[..., Reader]
DISMAX = {"defType": "dismax", "qf": "name^4 title^4 tags^2 groups^2 text", "mm": "2<-1 5<80%", "tie": "0.1"}


def ask(reader: Reader, q: str = "*:*", labels: set[str] | None = None, **params: Any) -> Answer:
    params = {name.replace("_", ".") if name.startswith("facet_") else name: value for name, value in params.items()}
    return reader.search(solr_request.search_of({"q": q, **params}, None if labels is None else frozenset(labels)))


def names(answer: Answer) -> list[str]:
    return [document["name"] for document in answer.documents]


def test_two_keys_order_the_hits(index: Index) -> None:
    reader = index(
        source("d", title_string="Б", metadata_modified="2024-01-01"),
        source("a", title_string="А", metadata_modified="2024-01-02"),
        source("c", title_string="Б", metadata_modified="2024-01-03"),
        source("b", title_string="Б", metadata_modified="2024-01-02"),
    )
    assert names(ask(reader, sort="title_string asc, metadata_modified desc")) == ["a", "c", "b", "d"]
    assert names(ask(reader, sort="title_string desc, metadata_modified asc")) == ["d", "b", "c", "a"]
    assert names(ask(reader, sort="metadata_modified asc, name desc")) == ["d", "b", "a", "c"]


def test_pages_of_a_two_key_order_neither_lose_nor_repeat(index: Index) -> None:
    reader = index(
        *(source(f"n{n:02d}", title_string="same", metadata_modified=f"2024-01-{n % 5 + 1:02d}") for n in range(23))
    )
    sort = "metadata_modified asc, name desc"
    pages = [names(ask(reader, sort=sort, start=start, rows=4)) for start in range(0, 24, 4)]
    expected = sorted((f"n{n:02d}" for n in range(23)), key=lambda name: (int(name[1:]) % 5, -int(name[1:])))
    assert [name for page in pages for name in page] == expected


@pytest.mark.parametrize(
    ("query", "found"), [("absent -budget", []), ("school -budget", ["a"]), ("-budget", ["a", "c"]), ("+air school", ["c"])]
)
def test_one_of_the_words_must_occur_though_none_need_where_none_is_demanded(
    index: Index, query: str, found: list[str]
) -> None:
    reader = index(source("a", title="school"), source("b", title="budget"), source("c", title="air"))
    assert sorted(names(ask(reader, query, **DISMAX | {"mm": "0"}))) == found


def test_equal_scores_are_ordered_by_the_next_key(index: Index) -> None:
    reader = index(*(source(f"n{n}", title="budget", metadata_modified=f"2024-01-{n + 1:02d}") for n in range(9)))
    answer = ask(reader, "budget", sort="score desc, metadata_modified desc", rows=3, start=3, **DISMAX)
    assert names(answer) == ["n5", "n4", "n3"]


def test_documents_without_the_key_come_last_both_ways(index: Index) -> None:
    reader = index(source("none"), source("b", title_string="b"), source("a", title_string="a"))
    assert names(ask(reader, sort="title_string asc")) == ["a", "b", "none"]
    assert names(ask(reader, sort="title_string desc")) == ["b", "a", "none"]


def test_names_follow_the_kazakh_alphabet(index: Index) -> None:
    titles = ["Яблоко", "Әкімдік", "Аудан", "Бюджет", "ауыл", "Қала", "Кадр", "Budget", "Ғылым", "2024"]
    reader = index(*(source(f"n{place}", title_string=title) for place, title in enumerate(titles)))
    found = [titles[int(name[1:])] for name in names(ask(reader, sort="title_string asc", rows=20))]
    assert found == ["2024", "Budget", "Аудан", "ауыл", "Әкімдік", "Бюджет", "Ғылым", "Кадр", "Қала", "Яблоко"]


def test_an_unknown_key_of_an_order_is_ignored(index: Index) -> None:
    reader = index(source("b"), source("a"))
    assert names(ask(reader, sort="view_recent desc, name asc")) == ["a", "b"]


def test_an_order_without_direction_is_refused(index: Index) -> None:
    with pytest.raises(solr_request.SortError):
        ask(index(), sort="name")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("budget region", {"both"}),  # both of two words
        ("budget region health", {"both"}),  # all but one of three
        ("budget region health school", set()),
        ("budget -region", {"one"}),
        ("+region health", set()),
        ('"region budget"', {"both"}),
        ('"budget region"', set()),
    ],
)
def test_enough_words_of_free_text_must_occur(index: Index, query: str, found: set[str]) -> None:
    reader = index(source("one", title="budget"), source("both", title="region budget"))
    assert set(names(ask(reader, query, **DISMAX))) == found


def test_a_title_counts_more_than_a_note(index: Index) -> None:
    reader = index(source("a", notes="budget of all regions"), source("b", title="budget"))
    assert names(ask(reader, "budget", **DISMAX)) == ["b", "a"]


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ("[2024-01-01T00:00:00Z TO 2024-12-31T23:59:59Z]", {"b", "c"}),
        ("[2024 TO 2024]", {"b", "c"}),
        ("[* TO 2023-12-31T23:59:59.999Z]", {"a"}),
        ("{2024-01-01T00:00:00Z TO *]", {"c"}),
        ("[NOW+1YEAR TO *]", set()),
        ("[whenever TO *]", set()),
    ],
)
@pytest.mark.parametrize("field", ["metadata_modified", "issued_date"])
def test_date_ranges(index: Index, field: str, bounds: str, found: set[str]) -> None:
    days = {"a": "2023-12-31T23:59:59Z", "b": "2024-01-01T00:00:00Z", "c": "2024-06-01T00:00:00Z"}
    reader = index(*(source(name, **{field: day}) for name, day in days.items()))
    assert set(names(ask(reader, fq=[f"{field}:{bounds}"]))) == found


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ("[2000 TO 2010]", {"b"}),
        ("[* TO 2010}", {"a", "b"}),
        ("[2010.5 TO *]", {"c"}),
        ("{6.5 TO 2005]", {"a", "b"}),
        ("{7 TO 2005.5}", {"b"}),
    ],
)
def test_ranges_of_numbers_in_extras(index: Index, bounds: str, found: set[str]) -> None:
    reader = index(source("a", year="7"), source("b", year="2005"), source("c", year="20100"))
    assert set(names(ask(reader, f"year:{bounds}"))) == found


def test_ranges_of_names(index: Index) -> None:
    reader = index(source("alpha"), source("beta"), source("gamma"))
    assert set(names(ask(reader, "name:[alpha TO c]"))) == {"alpha", "beta"}


def test_facets_of_extras_count_whole_values(index: Index) -> None:
    reader = index(
        source("a", extras_region="Алматы облысы"),
        source("b", extras_region="Алматы облысы"),
        source("c", extras_region="Абай облысы"),
    )
    answer = ask(reader, facet="true", facet_field=["extras_region"], facet_limit=-1, rows=0)
    assert answer.facets == {"extras_region": [("Алматы облысы", 2), ("Абай облысы", 1)]}
    assert names(ask(reader, 'extras_region:"Абай облысы"')) == ["c"]
    assert set(names(ask(reader, "extras_region:облыс"))) == {"a", "b", "c"}


def test_facets_count_only_hits_and_are_limited(index: Index) -> None:
    reader = index(source("a", tags=["x", "y"]), source("b", tags=["x"]), source("c", tags=["z"], state="draft"))
    answer = ask(reader, fq=["+state:active"], facet="true", facet_field=["tags", "groups"], facet_limit=1)
    assert answer.facets == {"tags": [("x", 2)], "groups": []}
    assert ask(reader, facet="true", facet_field=["tags"], facet_mincount=2).facets == {"tags": [("x", 2)]}


def test_counts_of_facets_are_right_over_many_segments(index: Index, engine: SearchEngine) -> None:
    reader = index()
    writer = engine.writer()
    for batch in range(8):
        writer.put(made(f"n{batch}-{n}", tags=[f"t{n % 40}"]).entry() for n in range(40 + batch))
        writer.commit()
    writer.close()
    answer = ask(reader, facet="true", facet_field=["tags"], facet_limit=3, rows=0)
    assert answer.facets == {"tags": [("t0", 15), ("t1", 14), ("t2", 13)]}


def test_a_large_index_that_several_threads_build_holds_every_document_once(index: Index) -> None:
    sources = [source(f"n{n:04d}", tags=[f"t{n % 3}", "all"], title=f"мектеп {n}") for n in range(2_500)]
    reader = index(*sources)
    answer = ask(reader, sort="name asc", rows=3, start=1_998, facet="true", facet_field=["tags"])
    assert (answer.hits, names(answer)) == (2_500, ["n1998", "n1999", "n2000"])
    assert answer.facets == {"tags": [("all", 2_500), ("t0", 834), ("t1", 833), ("t2", 833)]}
    assert reader.hashes() == {one.key: one.hash for one in (document.from_solr(given, SITE) for given in sources)}
    assert ask(reader, "title:2499").hits == 1


def test_values_that_nobody_counts_are_found_but_have_no_facet(index: Index) -> None:
    reader = index(source("a", url="https://a.kz/1", res_name=["Ауа сапасы"]), source("b", title="Ауа"))
    assert names(ask(reader, "url:[* TO *]")) == names(ask(reader, "res_name:*")) == ["a"]
    assert names(ask(reader, 'url:"https://a.kz/1"')) == names(ask(reader, "url:[https TO httpt]")) == ["a"]
    assert ask(reader, facet="true", facet_field=["url", "title", "name"]).facets == {
        "url": [],
        "title": [],
        "name": [("a", 1), ("b", 1)],
    }


def test_one_search_finds_three_languages(index: Index) -> None:
    translated = '{"kk": "Алматы қаласының бюджеті", "ru": "Бюджет города Алматы", "en": "Budget of Almaty"}'
    reader = index(
        source("a", title="Алматы қаласының бюджеті", extras_title_translated=translated), source("b", title="Мектептер")
    )
    for query in ("қала", "каланың", "города", "город", "budgets", "title:города", "title:budget"):
        params = {} if ":" in query else DISMAX
        assert names(ask(reader, query, **params)) == ["a"], query


def test_look_alike_letters_find_kazakh_words(index: Index) -> None:
    reader = index(source("a", title="Қоғамдық денсаулық сақтау"), source("b", title="Білім"))
    for query in ("когамдык", "денсаулык сактау", "Қоғамдық", "денсаулықтың"):
        assert names(ask(reader, query, **DISMAX)) == ["a"], query


def test_prefixes_patterns_and_typing_errors(index: Index) -> None:
    reader = index(source("city-budget", title="Бюджеты городов", tags=["Финансы"]), source("schools", title="Школы"))
    for query in (
        "title:бюдж*",
        "name:city-*",
        "name:c?ty-budget",
        "tags:Фин*",
        "title:бюджт~1",
        "name_ngram:udg",
        "title_ngram:город",
    ):
        assert names(ask(reader, query)) == ["city-budget"], query


def test_existence_and_negation(index: Index) -> None:
    reader = index(source("a", notes="text", custom="1"), source("b"))
    assert names(ask(reader, "notes:*")) == ["a"]
    assert names(ask(reader, "-notes:*")) == ["b"]
    assert names(ask(reader, "custom:[* TO *]")) == ["a"]
    assert names(ask(reader, fq=["-custom:1"])) == ["b"]


def test_only_hits_with_one_of_the_readers_labels_are_seen(index: Index) -> None:
    reader = index(
        source("open", tags=["x"]), source("mine", permission_labels=["member-1"], tags=["x"]),
        source("theirs", permission_labels=["member-2"], tags=["x"]), source("nobody", permission_labels=[], tags=["x"]),
    )  # fmt: skip
    answer = ask(reader, "tags:x", labels={"public", "member-1"}, facet="true", facet_field=["tags"])
    assert (set(names(answer)), answer.hits, answer.facets) == ({"open", "mine"}, 2, {"tags": [("x", 2)]})
    assert ask(reader, "tags:x", labels=set()).hits == 0
    assert ask(reader, 'permission_labels:"member-2"', labels={"public"}).hits == 0
    assert ask(reader, "tags:x").hits == 4


@pytest.mark.parametrize("q", ["*:*", "tags:x"])
def test_what_opens_at_a_moment_is_found_from_then_on(index: Index, q: str) -> None:
    others = {"permission_labels": ["public"], "owner_org": "1", "tags": ["x"]}
    reader = index(
        source("always", **others), source("since", visible_from="2026-01-01T00:00:00Z", **others),
        source("later", visible_from="2999-01-01T00:00:00Z", **others),
        source("closed", permission_labels=["member-1"], tags=["x"]),
    )  # fmt: skip
    for labels, names in (
        ({"public"}, {"always", "since"}),
        ({"public", "member-1"}, {"always", "since", "later", "closed"}),
        ({"public", "member-2"}, {"always", "since"}),
        ({"member-1"}, {"since", "later", "closed"}),
    ):
        answer = ask(reader, q, labels=labels, facet="true", facet_field=["tags"])
        assert {one["name"] for one in answer.documents} == names
        assert answer.facets == {"tags": [("x", len(names))]}


def test_thousands_of_labels_and_values_are_served(index: Index) -> None:
    reader = index(source("a", permission_labels=["member-19999"]))
    assert ask(reader, labels={f"member-{n}" for n in range(20_000)}).hits == 1
    assert ask(reader, "id:(" + " OR ".join(f"x{n}" for n in range(5_000)) + " OR a)").hits == 1


def test_a_query_of_too_many_parts_is_refused(index: Index) -> None:
    with pytest.raises(solr_request.RequestError):
        ask(index(), " OR ".join(f"title:w{n}" for n in range(2_001)))


def test_deep_pages_need_one_stored_key(index: Index) -> None:
    reader = index(source("a", title="word"))
    with pytest.raises(solr_request.RequestError):
        ask(reader, "word", start=10_000, **DISMAX)
    assert ask(reader, "word", start=10_000, sort="id asc", **DISMAX).hits == 1


def test_only_wanted_fields_come_back(index: Index) -> None:
    reader = index(source("a", title="t", validated_data_dict='{"b": "\\u049b"}'))
    assert ask(reader, fl="id validated_data_dict").documents == [{"id": "a", "validated_data_dict": '{"b":"қ"}'.encode()}]
    assert ask(reader, fl="name,title").documents == [{"name": "a", "title": "t"}]
    assert set(ask(reader).documents[0]) >= {"id", "name", "validated_data_dict", "site_id"}


def test_a_value_of_any_length_and_letters_is_kept(index: Index) -> None:
    long = "ә" * 100_000
    reader = index(source("a", title="x", notes=long + " финал", extras_o="\ud800 \x00 ok"))
    assert names(ask(reader, "финал", **DISMAX)) == ["a"]
    assert ask(reader).documents[0]["notes"].startswith("әәә")
