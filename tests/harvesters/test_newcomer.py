"""Two kinds, one of them under 60 lines: the guide shows them with a test, and they run as they are shown."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kzopen_harvesters
import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.web.addresses import networks
from ckanext.kzopen.core.web.client import Client
from ckanext.kzopen.publishing.harvest import batches, checksums, form, kinds, runs
from ckanext.kzopen.publishing.harvest.jobs import advance_run, work_on_batch
from ckanext.kzopen.publishing.harvest.kinds import Fetched
from ckanext.kzopen.publishing.harvest.reach import Reach
from pydantic import SecretStr

from tests.harvesters.archive import Archive, ArchiveSettings
from tests.harvesters.library import LibrarySettings
from tests.harvesters.library_tests import (
    test_the_list_is_read_to_its_end,
    test_what_failed_is_fetched_again_and_nothing_else,
)
from tests.publishing.conftest import new_agency
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue, Handler, send

__all__ = ["test_the_list_is_read_to_its_end", "test_what_failed_is_fetched_again_and_nothing_else"]

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "docs" / "harvesting.md"
DOES = {runs.TASK: advance_run, batches.TASK: work_on_batch}


def shown(name: str) -> str:
    """What the guide shows as the file of that name."""
    [text] = re.findall(rf"```python tests/harvesters/{name}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)


@pytest.mark.parametrize("name", ["library.py", "archive.py", "library_tests.py"])
def test_the_newcomer_s_files_stand_in_the_guide(name: str) -> None:
    assert shown(name) == (HERE / name).read_text(encoding="utf-8")


def test_the_newcomer_s_kind_is_short() -> None:
    assert shown("library.py").count("\n") < 60


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of kinds has one file more, as it stands in the guide."""
    (tmp_path / "library.py").write_text(shown("library.py"), encoding="utf-8")
    monkeypatch.setattr(kzopen_harvesters, "__path__", [*kzopen_harvesters.__path__, str(tmp_path)])
    kinds.kinds.cache_clear()
    yield
    sys.modules.pop(f"{kinds.PACKAGE}.library")
    kinds.kinds.cache_clear()


@pytest.fixture
def harvest(added: None, app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> Harvest:
    """The worker, which has not begun anew, does not know the kind yet: its jobs are this process's.

    In the queue they stand for later and without a lock, so that they are not taken for lost, and nobody waits for them.
    """
    given: list[tuple[str, dict[str, Any]]] = []
    defer = jobs.defer

    def keep(session: Any, name: str, *, lock: str | None = None, at: datetime | None = None, **values: Any) -> None:
        if name not in DOES:
            defer(session, name, lock=lock, at=at, **values)
            return
        given.append((name, values))
        defer(session, name, at=datetime.now(UTC) + timedelta(days=1), **values)

    class Here(Harvest):
        def ended(self, number: str) -> dict[str, Any]:
            with self.app.flask_app.test_request_context():
                while given:
                    name, values = given.pop(0)
                    DOES[name](**values)
            return super().ended(number)

    monkeypatch.setattr(jobs, "defer", keep)
    return Here(app, new_agency(app, "admin"))


def test_the_archive_is_read_with_its_key(catalogue: Catalogue, tmp_path: Path) -> None:
    """Two tables: one is a file, the other comes in pages; the list has one at once."""
    columns = [{"name": "code", "type": "string", "title": "Код"}]
    tables: list[dict[str, Any]] = [{"id": n, "name": f"t{n}", "title": f"Таблица {n}", "columns": columns} for n in (1, 2)]
    tables[0]["file"] = f"{catalogue.url}/files/one.csv"
    keys = set()

    def answer(handler: Handler) -> None:
        keys.add(handler.headers["X-Key"])
        parts = urlsplit(handler.path)
        asked = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        if parts.path == "/files/one.csv":
            send(handler, 200, b"code\na\n", "text/csv")
            return
        rows = [{"code": "b"}, {"code": "c"}][asked["page"] - 1 : asked["page"]] if "page" in asked else []
        place = asked.get("from", 0)
        told = {"rows": rows} if parts.path.endswith("/rows") else {"count": 2, "tables": tables[place : place + 1]}
        send(handler, 200, json.dumps(told).encode(), "application/json")

    catalogue.instead = {"/": answer}
    settings = ArchiveSettings(address=catalogue.url, key=SecretStr("a-key"), language="kk")
    with Reach(Client(networks("127.0.0.0/8")), home=catalogue.url) as reach:
        archive = Archive(settings, reach)
        pages = list(archive.discover(None))
        items = [item for page in pages for item in page.items]
        assert [(item.guid, item.hash) for item in items] == [(str(one["id"]), checksums.digest(one)) for one in tables]
        assert {page.total for page in pages} == {2}
        described = archive.describe(items[0])
        assert (described.title, described.schema) == (
            {"kk": "Таблица 1"},
            {"fields": [{"name": "code", "type": "string", "title_translated": {"kk": "Код"}}]},
        )
        assert [archive.fetch(item, tmp_path / item.guid) for item in items] == [
            Fetched("text/csv", "one.csv"),
            Fetched("application/x-ndjson", "2.ndjson"),
        ]
    assert (tmp_path / "1").read_bytes() == b"code\na\n"
    assert (tmp_path / "2").read_text() == '{"code": "b"}\n{"code": "c"}\n'
    assert keys == {"a-key"}


def test_the_form_of_a_kind_comes_from_its_settings() -> None:
    assert [(field.name, field.label["kk"], field.type, field.required) for field in form.fields_of(LibrarySettings)] == [
        ("address", "API мекенжайы", "text", True)
    ]
