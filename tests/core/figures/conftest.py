"""A folder of access records, and a public data set of an agency of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core.figures.access.record import Records, line
from sqlalchemy import text

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
AT = datetime(2026, 3, 5, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Dataset:
    id: str
    name: str
    agency: str
    resource: str


@pytest.fixture
def dataset() -> Iterator[Dataset]:
    """A data set with one resource; its counts are gone after the test."""
    mark = uuid4().hex[:10]
    package = model.Package(name=f"counted-{mark}", private=False, state="active", owner_org=f"agency-{mark}")
    resource = model.Resource(url="http://example.org/x.csv")
    package.resources_all.append(resource)
    model.Session.add(package)
    model.Session.commit()
    yield Dataset(package.id, package.name, f"agency-{mark}", resource.id)
    model.Session.rollback()
    model.Session.execute(text("DELETE FROM kzopen.access_count WHERE object_id = :id"), {"id": package.id})
    for one in (model.Session.get(model.Resource, resource.id), model.Package.get(package.id)):
        model.Session.delete(one)
    model.Session.commit()
    model.Session.remove()


class Log:
    """The web server's log in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "access.log"
        self.records = Records(self.path)

    def request(
        self,
        route: str,
        of: dict[str, str],
        agent: str = BROWSER,
        status: int = 200,
        at: datetime = AT,
        query: str = "",
    ) -> None:
        environ = {
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": query,
            "HTTP_USER_AGENT": agent,
            "REMOTE_ADDR": "192.0.2.1",
            "kzopen.route": route,
            "kzopen.arguments": of,
            "kzopen.request": uuid4().hex,
        }
        self.records.add(line(environ, status, 100, 0.01, at))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)
