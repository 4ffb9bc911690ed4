"""What a hostile source sends, in every field of every kind, is shown as text wherever it is shown, and runs nowhere."""

from __future__ import annotations

import email
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.mail.messages import Outgoing, Sender, message_of
from ckanext.kzopen.core.notices import reading, subscriptions
from sqlalchemy import text

from tests.publishing.conftest import new_agency
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue, says, serving
from tests.security import executed
from tests.security.hostile import KINDS, LANGUAGES, MARK, SETS, STRINGS, every, hostile, some
from tests.security.requests import HERE

PAGE = "<title>kzxss</title>" + some(1)
UNUSABLE = {"json_api": 3}
"""Items whose file is no table, or whose columns cannot have such names; their errors are shown."""


@dataclass
class Harvested:
    """What five hostile sources have given one agency, whose own name is hostile too."""

    app: CKANTestApp
    agency: str
    user: str
    reader: str
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def get(self, path: str, signed_in: bool = False) -> Any:
        client = self.app.test_client(user=model.User.get(self.user) if signed_in else None)
        answer = client.get(path, base_url=HERE, follow_redirects=True)
        assert answer.status_code == 200, (path, answer.status_code, answer.data[-300:])
        return answer

    def published(self, kind: str) -> list[str]:
        return [item["uri"] for item in self.items[kind] if item["outcome"] == "added"]


@pytest.fixture(scope="module")
def harvested(app: CKANTestApp) -> Iterator[Harvested]:
    agency = new_agency(app, "admin")
    named = {"title_translated": {language: plain(some(place)) for place, language in enumerate(LANGUAGES)}}
    with app.flask_app.test_request_context():
        free = {"ignore_auth": True, "user": tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]}
        tk.get_action("organization_patch")(
            free, {"id": agency.id, "title": plain(some(0)), "description": plain(every(0)), **named}
        )
        reader = str(model.User.get(new_agency(app).user).id)
        subscriptions.follow(model.Session, reader, "agency", agency.id, "at_once", "ru")
        model.Session.commit()
    made = Harvested(app, agency.id, agency.user, reader)
    with ExitStack() as servers:
        catalogues = {kind: servers.enter_context(serving(Catalogue())) for kind in KINDS}
        sources = {kind: Harvest(app, agency) for kind in KINDS}
        for kind, source in sources.items():
            source.add(kind, hostile(kind, catalogues[kind]), title=plain(some(2)))
        previews = _runs(sources, "preview")
        for source in sources.values():
            assert source.post(f"/sources/{source.name}/switch_on").status_code == 200, previews
        whole = _runs(sources, "harvest")
        for catalogue in catalogues.values():
            catalogue.instead = dict.fromkeys(catalogue.instead, says(200, PAGE.encode(), "text/html"))
        again = _runs(sources, "harvest")
        made.names = [source.name for source in sources.values()]
        made.runs = {kind: [previews[kind], whole[kind], again[kind]] for kind in KINDS}
        made.items = {kind: source.items(whole[kind]) for kind, source in sources.items()}
    yield made
    model.Session.remove()


def _runs(sources: dict[str, Harvest], purpose: str) -> dict[str, dict[str, Any]]:
    """A run of each source, all at the same time."""
    begun = {kind: source.run(purpose, wait=False)["id"] for kind, source in sources.items()}
    return {kind: source.ended(begun[kind]) for kind, source in sources.items()}


def plain(text: str) -> str:
    """As the portal's own staff may write it: without control characters."""
    return executed.MISLEADING.sub("", text)


def wrong(pages: dict[str, list[str]]) -> str:
    return "\n".join(f"{path}: {found[:5]}" for path, found in pages.items() if found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_source_is_harvested_all_the_same(harvested: Harvested, kind: str) -> None:
    failed = [
        (item["guid"][:60], item["error"], item["sentence"]) for item in harvested.items[kind] if item["outcome"] == "failed"
    ]
    assert len(harvested.published(kind)) == len(harvested.items[kind]) - UNUSABLE.get(kind, 0), failed
    assert len(harvested.published(kind)) >= SETS


@pytest.mark.parametrize("kind", KINDS)
def test_pages_of_data_sets_show_it_as_text(harvested: Harvested, kind: str) -> None:
    found = {}
    for number, uri in enumerate(harvested.published(kind)):
        language = LANGUAGES[number % 3]
        package = model.Package.get(uri)
        for path in (f"/{language}/dataset/{uri}", f"/{language}/dataset/{uri}/resource/{package.resources[0].id}"):
            page = harvested.get(path).data
            assert MARK.encode() in page, path
            found[path] = executed.in_html(page)
    assert not wrong(found)


def test_lists_searches_and_suggestions_show_it_as_text(harvested: Harvested) -> None:
    agency = model.Group.get(harvested.agency).name
    paths = [f"/{language}{path}" for language in LANGUAGES for path in _lists(agency)]
    pages = {path: harvested.get(path).data for path in paths}
    assert [path for path, page in pages.items() if MARK.encode() not in page] == []
    assert any(b"<mark>kzxss" in page for page in pages.values()), "nothing was highlighted"
    assert not wrong({path: executed.in_html(page) for path, page in pages.items()})
    told = harvested.get(f"/ru/search/suggest?q={MARK}")
    assert told.content_type.startswith("application/json")
    assert told.json["suggestions"]


def _lists(agency: str) -> list[str]:
    return [
        f"/dataset/?organization={agency}",
        f"/dataset/?q={MARK}&organization={agency}",
        f"/dataset/?q=alert+{MARK}+onerror&organization={agency}",
        f"/search?q={MARK}",
        f"/search?q={MARK}+script+svg&section=dataset",
        f"/organization/{agency}",
        f"/organization/about/{agency}",
        f"/organization/activity/{agency}",
        f"/organization/tree?q={MARK}",
        f"/organization/?q={MARK}",
    ]


def test_what_suggestions_lead_to_is_an_address_of_the_portal(harvested: Harvested) -> None:
    for typed in (MARK, "script", "javascript", "img"):
        told = harvested.get(f"/api/search/v1/suggest?q={typed}")
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        assert all(one["url"].startswith(("/", "http://")) for one in told.json["suggestions"])


def test_pages_of_the_staff_show_it_as_text(harvested: Harvested) -> None:
    paths = ["/staff/harvest", "/staff", "/staff/datasets", f"/staff/search?q={MARK}", "/staff/events"]
    paths += [f"/staff/harvest/{name}{page}" for name in harvested.names for page in ("", "/edit")]
    runs = [run for several in harvested.runs.values() for run in several]
    paths += [f"/staff/harvest/runs/{run['id']}" for run in runs]
    paths += [f"/staff/harvest/runs/{run['id']}?outcome=failed" for run in runs if run["failed"]]
    for kind in KINDS:
        uri = harvested.published(kind)[0]
        paths += [f"/staff/datasets/{uri}", f"/staff/datasets/{uri}/edit", f"/staff/datasets/{uri}/deliveries/new"]
    pages = {f"/{LANGUAGES[n % 3]}{path}": "" for n, path in enumerate(paths)}
    found = {path: executed.in_html(harvested.get(path, signed_in=True).data) for path in pages}
    assert not wrong(found)


def test_errors_of_a_hostile_source_are_told_with_what_it_said(harvested: Harvested) -> None:
    """Its later answers are pages of HTML; what is told of them begins with the page's beginning."""
    told = {kind: runs[-1]["sentence"] or "" for kind, runs in harvested.runs.items()}
    assert any(MARK in sentence for sentence in told.values()), told
    assert all(runs[-1]["state"] == "failed" or kind == "files" for kind, runs in harvested.runs.items()), told


def test_feeds_tell_it_as_text(harvested: Harvested) -> None:
    agency = model.Group.get(harvested.agency).name
    with harvested.app.flask_app.test_request_context():
        while reading.read(model.Session):
            pass
    paths = [f"/{language}/notices/agency/{harvested.agency}.atom" for language in LANGUAGES]
    paths += ["/ru/notices/section/opendata.atom", f"/feeds/organization/{agency}.atom", "/feeds/dataset.atom"]
    pages = {path: harvested.get(path) for path in paths}
    assert [path for path, page in pages.items() if MARK.encode() not in page.data] == []
    assert all("xml" in page.content_type for page in pages.values())
    assert not wrong({path: executed.in_xml(page.data) for path, page in pages.items()})


def test_dcat_tells_it_as_text(harvested: Harvested) -> None:
    found = {}
    agency = model.Group.get(harvested.agency).name
    paths = [f"/catalog.{{}}?fq=organization:{agency}"]
    paths += [f"/dataset/{harvested.published(kind)[number]}.{{}}" for kind in KINDS for number in (0, 3)]
    for path in paths:
        for ending, form in (("ttl", "turtle"), ("jsonld", "json-ld"), ("xml", "xml")):
            answer = harvested.get(path.format(ending))
            assert MARK in answer.text, path
            found[f"{path} {form}"] = executed.in_rdf(answer.text, form)
        found[path] = executed.in_xml(harvested.get(path.format("xml")).data)
    assert not wrong(found)


def test_exports_hold_no_formula_and_are_no_pages(harvested: Harvested) -> None:
    found = {}
    for kind in KINDS:
        for uri in (harvested.published(kind)[0], harvested.published(kind)[-1]):
            table, book = harvested.get(f"/data/{uri}.csv"), harvested.get(f"/data/{uri}.xlsx")
            assert MARK in table.text
            found[f"{uri}.csv"], found[f"{uri}.xlsx"] = executed.in_csv(table.text), executed.in_xlsx(book.data)
            for answer in (
                table,
                book,
                harvested.get(f"/data/{uri}.json"),
                harvested.get(f"/api/universal/v1/datasets/{uri}"),
            ):
                assert "html" not in answer.content_type
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not wrong(found)


def test_mails_tell_it_as_text(harvested: Harvested) -> None:
    with harvested.app.flask_app.test_request_context():
        while reading.read(model.Session):
            pass
        wanted = "SELECT subject, text, language FROM kzopen.mail WHERE person = :reader AND text LIKE :mark"
        rows = model.Session.execute(text(wanted), {"reader": harvested.reader, "mark": f"%{MARK}%"}).all()
        model.Session.rollback()
    assert len(rows) >= SETS
    found = {}
    for row in rows:
        mail = Outgoing(uuid4(), "reader@example.org", row.language, row.subject, row.text, datetime(2026, 1, 1, tzinfo=UTC))
        sent = email.message_from_bytes(message_of(mail, Sender("portal@example.org", "Portal")).as_bytes())
        plain, page = (part.get_payload(decode=True) for part in sent.get_payload())  # type: ignore[union-attr]
        found[row.subject] = executed.in_html(page) + executed._of_text(plain.decode())  # type: ignore[union-attr]
    assert not wrong(found)


def test_the_strings_do_something_where_they_are_not_escaped() -> None:
    """The tests above can fail: these are found in a page that shows them as they came."""
    raw = '<p title="{0}"><p title=\'{0}\'><a href="{0}">{0}</a>'
    harmless = [one[:2] for one in STRINGS if not executed.in_html(raw.format(one).encode())]
    assert harmless == ["![", "&l", "]]", "@S", "+k"], "Markdown, what is markup only when written twice, XML, formulas"
