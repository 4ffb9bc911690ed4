"""A saved search keeps its filters, and whoever saved it is told of what fits it, once, and of nothing hidden."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.common import config
from ckan.tests import factories
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import notices
from ckanext.kzopen.core.notices import searches, subscriptions, targets
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.search import document, store
from sqlalchemy import text

from tests.search.portal.conftest import Source, thing

pytestmark = pytest.mark.usefixtures("pages")

VALUES = {"title": {"en": "Schools"}, "version": "1", "rows": 1, "link": "/dataset/x"}


@pytest.fixture
def reader(pages: CKANTestApp) -> str:
    with pages.flask_app.test_request_context():
        return str(factories.User(password="walnut-harbour-velvet", about="")["id"])


def written(**fields: Any) -> Source:
    """A document of the document table; no package is needed, and none is made."""
    source = thing(str(uuid.uuid4()), **fields)
    store.put(model.Session, document.from_solr(source, str(config["ckan.site_id"])))
    return source


def save(reader: str, address: str) -> int:
    found = targets.target_of(model.Session, "search", address, reader)
    return subscriptions.follow(model.Session, reader, found.what, found.target, "feed", "en")


def told(reader: str, source: Source, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The subscriptions by which the reader is told of news of a thing that everybody may see."""
    monkeypatch.setitem(notices.visibility._kinds, "package", lambda session, thing, readers: None)
    about = f"package:{source['id']}"
    news = notices.tell(model.Session, "dataset.version", about, key=f"test:{uuid.uuid4()}", values=VALUES)
    rows = model.Session.execute(
        text("SELECT subscription FROM kzopen.notice WHERE news = :news AND reader = :reader"),
        {"news": news, "reader": reader},
    )
    return list(rows.scalars())


@pytest.fixture(autouse=True)
def undone(pages: CKANTestApp) -> Any:
    with pages.flask_app.test_request_context():
        yield
        model.Session.rollback()


def test_a_thing_of_a_kind_that_has_not_spoken_is_seen_by_who_finds_it_and_by_nobody_without_a_document(reader: str) -> None:
    open_to_all = written(title="Open", entity_type="organization")
    hidden = written(title="Hidden", entity_type="organization", permission_labels=["member-of-another"])
    things = (f"organization:{open_to_all['id']}", f"organization:{hidden['id']}", "organization:gone", "unheard-of:1")

    seen_by = [notices.visibility.those_who_may(model.Session, about, {reader}) for about in things]

    assert seen_by == [None, frozenset(), frozenset(), frozenset()]


def test_what_fits_words_and_filters_is_told(reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    number = save(reader, "q=мектептер&section=dataset&format=CSV&format=XLSX")
    fitting = written(title="Мектептің бюджеті", res_format=["XLSX"])
    assert told(reader, fitting, monkeypatch) == [number]


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Мектептің бюджеті", "res_format": ["PDF"]},
        {"title": "Жолдар", "res_format": ["CSV"]},
        {"title": "Мектептер", "res_format": ["CSV"], "visible_from": "2999-01-01T00:00:00"},
        {"title": "Мектептер", "res_format": ["CSV"], "state": "draft"},
    ],
)
def test_what_does_not_fit_is_not_told(reader: str, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]) -> None:
    save(reader, "q=мектептер&section=dataset&format=CSV")
    assert told(reader, written(**fields), monkeypatch) == []


def test_two_searches_that_find_the_same_tell_it_once(reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save(reader, "q=мектеп")
    save(reader, "section=dataset&format=CSV")
    assert len(told(reader, written(title="Мектептер", res_format=["CSV"]), monkeypatch)) == 1


def test_the_same_search_has_one_form() -> None:
    one = searches.canonical("format=XLSX&q=a&page=3&sort=name&format=CSV&section=dataset&colour=red")
    assert one == searches.canonical("q=a&section=dataset&format=CSV&format=XLSX")
    assert one == "q=a&section=dataset&format=CSV&format=XLSX"


@pytest.mark.parametrize("address", ["", "page=2&sort=name", "q={!bool}", "colour=red"])
def test_what_asks_for_nothing_cannot_be_saved(reader: str, address: str) -> None:
    with pytest.raises(KzError) as refused:
        save(reader, address)
    assert refused.value.code == "notices.nothing_to_follow"


def test_its_name_tells_words_section_filters_and_days() -> None:
    found = searches.title(model.Session, "q=су&section=dataset&periodicity=YEARLY&from=2024-01-31")
    assert found is not None
    assert json.dumps(found["ru"], ensure_ascii=False) == '"«су» · Наборы данных · Ежегодно · 31.01.2024 – …"'


def test_the_page_leads_to_saving_and_keeps_the_filters(pages: CKANTestApp) -> None:
    shown = BeautifulSoup(pages.get("/en/search?q=zzzz&section=dataset&format=CSV&page=1").data, "html.parser")
    link = shown.select_one(".search-keep a.btn")
    form = BeautifulSoup(pages.get(str(link["href"])).data, "html.parser")  # type: ignore[index]
    assert form.select_one("input[name=target]")["value"] == "q=zzzz&section=dataset&format=CSV"  # type: ignore[index]
    assert "Save this search" in form.select_one("h1").get_text()  # type: ignore[union-attr]
