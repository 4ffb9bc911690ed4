"""Typing errors: the nearest word that the same reader may find is offered, and found when nothing else is."""

from pathlib import Path

import pytest
from ckanext.kzopen.search import document, lucene, spelling
from ckanext.kzopen.search.engines.base import Answer, Engine, Entry, Reader, Search
from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine
from ckanext.kzopen.search.tree import Term

PUBLIC = frozenset({"public"})
TITLES = [
    "Аудандық кітапхана",
    "Әлеуметтік-экономикалық даму",
    "Перечень государственных больниц",
    "Государственные закупки",
    "Government resignation",
]


def _entry(number: int, title: str, label: str) -> Entry:
    source = {"id": str(number), "name": f"set-{number}", "title": title, "state": "active", "permission_labels": [label]}
    return document.from_solr(source, "test").entry()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder: Path = tmp_path_factory.mktemp("index")
    engine: Engine = TantivyEngine(folder)
    entries = [_entry(number, title, "public") for number, title in enumerate(TITLES)]
    writer, _count = engine.built(iter([*entries, _entry(99, "Құпиялылық", "member-secret")]))
    writer.close()
    return engine.reader()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("кітапхна", "кітапхана"),
        ("госудаственные больницы", "государственных больницы"),
        ("goverment resignation", "government resignation"),
        ("jkmybws", None),
        (",jkmybws", "больницы"),
        ("кітапхана", None),
        ("абракадабра", None),
        ("больницы 2024", None),
        ("кітапхна, больницы", "кітапхана, больницы"),
        ("кітапхна?", "кітапхана?"),
        ("(кітапхна)", "(кітапхана)"),
        ("әлеуметтік-экономикалқ", "әлеуметтік-экономикалық"),
        ("title:кітапхна", "title:кітапхана"),
        ("кітапхна*", None),
        ("кітапхна2024", None),
        ("densaulyk аудандық", None),
    ],
)
def test_the_nearest_words_are_offered(reader: Reader, typed: str, meant: str | None) -> None:
    assert spelling.suggest(typed, PUBLIC, reader) == meant


def test_a_word_that_only_others_may_see_is_not_offered(reader: Reader) -> None:
    assert spelling.suggest("құпиялыық", PUBLIC, reader) is None
    assert spelling.suggest("құпиялыық", frozenset({"public", "member-secret"}), reader) == "құпиялылық"


def _found(reader: Reader, text: str) -> list[str]:
    query = lucene.free_words(text, spelling.FIELDS, "100%")
    return [found["title"] for found in spelling.forgiving(reader, Search(query, PUBLIC), ()).answer.documents]


@pytest.mark.parametrize("typed", ["кітапхна", "кiтапханаа", "kitaphna", "кітапхна?", "(кітапхна)"])
def test_a_search_that_finds_nothing_finds_the_nearest_word(reader: Reader, typed: str) -> None:
    assert _found(reader, typed) == ["Аудандық кітапхана"]


def test_a_search_that_finds_something_is_taken_at_its_word(reader: Reader) -> None:
    assert _found(reader, "больниц") == ["Перечень государственных больниц"]


@pytest.mark.parametrize("typed", ['"кітапхна"', "+кітапхна", '"Resignation government"', "больниц +кітапхна"])
def test_what_is_quoted_or_demanded_is_taken_at_its_word(reader: Reader, typed: str) -> None:
    assert _found(reader, typed) == []


def test_how_the_words_were_taken_is_told(reader: Reader) -> None:
    def told(text: str) -> tuple[spelling.Taken, str | None]:
        found = spelling.forgiving(reader, Search(lucene.free_words(text, spelling.FIELDS, "100%"), PUBLIC), ())
        return found.taken, found.correction.of(text) if found.correction else None

    assert told("кітапхана") == (spelling.Taken.AS_TYPED, None)
    assert told("аудандық кітапхна!") == (spelling.Taken.NEAREST, "аудандық кітапхана!")
    assert told("кітапхна больниц") == (spelling.Taken.SOME, "кітапхана больниц")
    assert told("абракадабра") == (spelling.Taken.AS_TYPED, None)


def test_a_way_of_taking_words_that_is_asked_for_is_kept(reader: Reader) -> None:
    search = Search(lucene.free_words("кітапхана больниц", spelling.FIELDS, "100%"), PUBLIC)
    assert spelling.forgiving(reader, search, (), spelling.Taken.AS_TYPED).answer.hits == 0
    known = Search(lucene.free_words("аудандық кітапхана", spelling.FIELDS, "100%"), PUBLIC)
    assert spelling.forgiving(reader, known, (), spelling.Taken.SOME).taken is spelling.Taken.SOME


def test_a_filter_makes_no_word_misspelt(reader: Reader) -> None:
    query = lucene.free_words("кітапхана", spelling.FIELDS, "100%")
    search = Search(query, PUBLIC, filters=(Term("res_format", "PDF"),))
    assert spelling.forgiving(reader, search, ()).taken is spelling.Taken.AS_TYPED


class Counting:
    """A reader that counts what it is asked."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.asked = reader, 0

    def search(self, search: Search) -> Answer:
        self.asked += 1
        return self.reader.search(search)

    def hashes(self) -> dict[str, int]:
        return self.reader.hashes()


@pytest.mark.parametrize("typed", ["-".join(f"абвгдеж{letter}" for letter in "абвгдежзийклмнопрст" * 9), "ж" * 2_000])
def test_a_long_word_costs_few_questions(reader: Reader, typed: str) -> None:
    counting = Counting(reader)
    spelling.forgiving(counting, Search(lucene.free_words(typed, spelling.FIELDS, "100%"), PUBLIC), ())
    assert counting.asked < 40


def test_half_of_the_words_will_do_when_nothing_holds_all(reader: Reader) -> None:
    assert sorted(_found(reader, "кітапхана больниц")) == ["Аудандық кітапхана", "Перечень государственных больниц"]


@pytest.mark.parametrize(
    ("one", "other", "steps"), [("мектеп", "мектпе", 1), ("банк", "бан", 1), ("су", "су", 0), ("ат", "от", 1)]
)
def test_changes_are_counted(one: str, other: str, steps: int) -> None:
    assert spelling.changes(one, other) == steps
