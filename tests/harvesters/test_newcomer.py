"""A kind in one file under 60 lines: the guide shows it, and it harvests."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import kzopen_harvesters
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web.addresses import networks
from ckanext.kzopen.core.web.client import Client
from ckanext.kzopen.publishing.harvest import batches, engine, form, kinds
from ckanext.kzopen.publishing.harvest.reach import Reach

from tests.harvesters.library import Library, LibrarySettings
from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, begun, counts, listed
from tests.publishing.harvest.source import Catalogue, Handler, send, serving

FILE = Path(__file__).with_name("library.py")
GUIDE = FILE.parents[2] / "docs" / "harvesting.md"
HALLS = [{"id": "1", "kk": "Балалар залы", "ru": "Детский зал", "renewed": "2026-01-01"}]


@pytest.fixture
def library() -> Iterator[Library]:
    def answer(handler: Handler) -> None:
        parts = urlsplit(handler.path)
        page = parse_qs(parts.query).get("page", ["1"])[0]
        books = parts.path.endswith("/books")
        told = [{"isbn": "1", "title": "Абай жолы"}] if books else HALLS if page == "1" else []
        send(handler, 200, json.dumps(told).encode(), "application/json")

    with serving(Catalogue(instead={"/halls": answer})) as found, Reach(Client(networks("127.0.0.0/8"))) as reach:
        yield Library(LibrarySettings(address=found.url), reach)


def test_the_newcomer_s_kind_is_short_and_stands_in_the_guide() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert text.count("\n") < 60
    assert f"```python tests/harvesters/library.py\n{text}```" in GUIDE.read_text(encoding="utf-8")


def test_the_newcomer_s_kind_reads_its_source(library: Library, tmp_path: Path) -> None:
    items = [item for page in library.discover(None) for item in page.items]
    assert [(item.guid, item.hash) for item in items] == [("1", "2026-01-01")]
    assert library.describe(items[0]).title["ru"] == "Детский зал"
    library.fetch(items[0], tmp_path / "table")
    assert json.loads((tmp_path / "table").read_text()) == {"isbn": "1", "title": "Абай жолы"}


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of kinds has one file more, as it stands in the guide."""
    name = "tests/harvesters/library.py"
    [text] = re.findall(rf"```python {name}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / FILE.name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(kzopen_harvesters, "__path__", [*kzopen_harvesters.__path__, str(tmp_path)])
    kinds.kinds.cache_clear()
    yield
    sys.modules.pop(f"{kinds.PACKAGE}.{FILE.stem}")
    kinds.kinds.cache_clear()


def test_the_newcomer_s_kind_is_found_by_itself_and_harvests(
    added: None, library: Library, harvest: Harvest, app: CKANTestApp
) -> None:
    """The worker, which has not begun anew, does not know it yet: the run is this process's."""
    harvest.add("library", {"address": library.settings.address})
    with begun(app, harvest) as run:
        listed(run)
        assert batches.work(model.Session(), run.id, 0)
        engine.conclude(model.Session(), run.id)
        found = harvest.get(f"/runs/{run.id}").json
        assert (found["state"], counts(found)["added"]) == ("finished", 1), harvest.items(found)
        [item] = harvest.items(found)
    assert harvest.rows(item) == [["isbn", "title"], ["1", "Абай жолы"]]
    told = Api(app).get(f"/datasets/{item['uri']}").json
    assert (told["title"]["ru"], told["schema"]["primaryKey"]) == ("Детский зал", ["isbn"])


def test_the_form_of_a_kind_comes_from_its_settings() -> None:
    assert [(field.name, field.label["kk"], field.type, field.required) for field in form.fields_of(LibrarySettings)] == [
        ("address", "API мекенжайы", "text", True)
    ]
