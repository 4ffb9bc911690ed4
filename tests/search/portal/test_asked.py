"""A changed document is held against the saved searches that it may fit, and against none of the others."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.notices import searches
from ckanext.kzopen.search import document
from ckanext.kzopen.search.portal import asked, found, saved
from ckanext.kzopen.search.tree import Node
from sqlalchemy import text

from tests.search.portal.conftest import thing
from tests.search.portal.test_saved_news import Put, person, put, save, told, word
from tests.search.portal.test_saved_news import thing as a_thing

__all__ = ["a_thing", "person", "put", "word"]

pytestmark = pytest.mark.usefixtures("pages")


@pytest.fixture(autouse=True)
def gone(pages: CKANTestApp, word: str) -> Iterator[None]:
    with pages.flask_app.test_request_context():
        yield
        model.Session.rollback()
        model.Session.execute(text("DELETE FROM kzopen.subscription WHERE target LIKE :like"), {"like": f"%{word}%"})
        model.Session.commit()


def fields_of(**given: Any) -> dict[str, Any]:
    return document.from_solr(thing(str(uuid.uuid4()), **given), str(config["ckan.site_id"])).fields


def candidates(word: str, **given: Any) -> set[str]:
    """Those of the searches with this word that a document may fit."""
    return {one for one in asked.candidates(model.Session, fields_of(**given)) if word in one}


def read() -> None:
    assert asked.read(model.Session, saved.nodes)


def test_only_searches_of_which_a_document_has_something_are_looked_at(word: str) -> None:
    reader = f"{word}@example.org"
    for address in (f"q={word}+мектеп", f"q={word}*", f"section=organization&q={word}&format=CSV", f"q={{!bool}}{word}"):
        insert(reader, address)
    read()
    assert candidates(word, title="Жолдар") == candidates(word, title=f"{word} атауы") == {f"q={word}*"}
    assert candidates(word, title=f"{word} мектебі") == {f"q={word}*", f"q={word}+мектеп"}
    of_an_agency = candidates(word, title=word, res_format=["CSV"], entity_type="organization")
    assert of_an_agency == {f"q={word}*", f"section=organization&q={word}&format=CSV"}


def insert(reader: str, address: str) -> None:
    model.Session.execute(
        text(
            """
            INSERT INTO kzopen.subscription (reader, what, target, how, language, confirmed)
            VALUES (:reader, 'search', :target, 'feed', 'ru', now())
            """
        ),
        {"reader": reader, "target": address},
    )


def test_a_search_that_nobody_has_read_is_looked_at_for_every_document(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(f"{word}@example.org", f"q={word}")
    assert candidates(word, title="Жолдар") == {f"q={word}"}
    read()
    assert candidates(word, title="Жолдар") == set()
    monkeypatch.setattr(asked, "meaning", lambda: 1)
    assert candidates(word, title="Жолдар") == {f"q={word}"}, "it was read by another meaning"


def test_a_search_that_cannot_be_read_keeps_no_other_from_it(word: str) -> None:
    """It was saved under other code, and is read by this."""

    def broken(address: str) -> Sequence[Node]:
        if "broken" in address:
            raise IndexError(address)
        return saved.nodes(address)

    for address in (f"q={word}+broken", f"q={word}"):
        insert(f"{word}@example.org", address)
    assert asked.read(model.Session, broken)
    assert candidates(word, title=f"{word} broken") == {f"q={word}"}
    assert found.Trees(broken).fitting([f"q={word}+broken", f"q={word}"], fields_of(title=f"{word} broken")) == [f"q={word}"]


def test_other_sections_libraries_or_code_are_another_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    before = asked._meaning((("package", "dataset"),))
    assert asked._meaning((("package", "dataset", "format=res_format"),)) != before
    asked._meaning.cache_clear()
    monkeypatch.setattr(asked, "version", lambda name: "0")
    assert asked._meaning((("package", "dataset"),)) != before
    asked._meaning.cache_clear()


def test_documents_wait_until_all_searches_are_read(
    put: Put, word: str, person: str, a_thing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(person, f"q={word}")
    monkeypatch.setattr(asked, "meaning", lambda: 2)
    monkeypatch.setattr(asked, "LONGEST", -1)
    assert not asked.read(model.Session, saved.nodes)
    about = put(a_thing, f"{word} атауы")
    assert found.tell(model.Session, saved.nodes) == 0
    monkeypatch.undo()
    assert told(person, about) == ["search.found"]


def test_a_subscription_that_is_being_changed_is_not_waited_for(
    word: str, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(person, f"q={word}")
    monkeypatch.setattr(asked, "meaning", lambda: 3)
    with model.meta.engine.connect() as other:
        other.execute(text("SELECT FROM kzopen.subscription WHERE target = :t FOR UPDATE"), {"t": f"q={word}"})
        read()
        assert candidates(word, title="Жолдар") == {f"q={word}"}


def test_an_address_is_read_once_for_all_its_readers(word: str) -> None:
    for number in range(3):
        insert(f"{word}{number}@example.org", f"q={word}")
    times: list[str] = []

    def nodes(address: str) -> Sequence[Node]:
        times.append(address)
        return saved.nodes(address)

    assert asked.read(model.Session, nodes)
    assert times.count(f"q={word}") <= 1
    assert f"q={word}" not in searches.unread(model.Session, asked.meaning(), 10_000)
