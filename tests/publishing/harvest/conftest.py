"""An agency with a source on this machine, and the harvest API as a program would use it; the worker does the runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.harvest import comparing, visiting
from ckanext.kzopen.publishing.harvest.alone import alone
from ckanext.kzopen.publishing.harvest.discovery import discover
from ckanext.kzopen.publishing.harvest.model import OPEN, Item, Run, Source
from sqlalchemy import delete, select

from tests.publishing.conftest import Agency, Api, new_agency, wait_while
from tests.publishing.harvest.source import Catalogue, serving

PATIENCE = 120
UNDER_WAY = f"SELECT state IN {OPEN} FROM kzopen.harvest_run WHERE id = :id"
BASE = "/api/harvest/v1"


@dataclass
class Harvest:
    """The harvest API with one token, and a source that was made with it."""

    app: CKANTestApp
    agency: Agency
    name: str = ""

    def __post_init__(self) -> None:
        self.api = Api(self.app, self.agency.token, base=BASE)
        self.name = self.name or f"source-{uuid4().hex[:10]}"

    def post(self, path: str, **body: Any) -> Any:
        return self.api.call("POST", path, json=body)

    def get(self, path: str) -> Any:
        return self.api.get(path)

    def add(self, kind: str, settings: dict[str, Any], **more: Any) -> Any:
        """A source; `prefix` keeps the names of tests apart."""
        defaults = {"prefix": f"{self.name[-10:]}-", "seconds": 5} | more.pop("defaults", {})
        given = {"name": self.name, "kind": kind, "agency": self.agency.name, "settings": settings, "defaults": defaults}
        answer = self.post("/sources", **given, **more)
        assert answer.status_code == 201, answer.json
        return answer.json

    def run(self, purpose: str = "harvest", wait: bool = True) -> dict[str, Any]:
        """A run, at its end."""
        answer = self.post(f"/sources/{self.name}/runs", purpose=purpose)
        assert answer.status_code == 201, answer.json
        return self.ended(answer.json["id"]) if wait else answer.json

    def ended(self, number: str) -> dict[str, Any]:
        wait_while(UNDER_WAY, number, PATIENCE)
        told: dict[str, Any] = self.get(f"/runs/{number}").json
        assert not told["under_way"], told
        return told

    def ready(self, kind: str, settings: dict[str, Any], **more: Any) -> None:
        """A source that was previewed and is switched on."""
        self.add(kind, settings, **more)
        found = self.run("preview")
        assert found["state"] == "finished", found
        answer = self.post(f"/sources/{self.name}/switch_on")
        assert answer.status_code == 200, (answer.json, found, self.items(found))

    def items(self, run: dict[str, Any], outcome: str = "") -> list[dict[str, Any]]:
        return list(self.get(f"/runs/{run['id']}/items?limit=1000&outcome={outcome}").json)

    def rows(self, item: dict[str, Any]) -> list[list[str]]:
        """The published table of an item, as programs read it, its header first."""
        return list(csv.reader(io.StringIO(self.app.get(f"/data/{item['uri']}.csv?raw=1").data.decode())))


def counts(run: dict[str, Any]) -> dict[str, int]:
    return {name: run[name] for name in ("seen", "added", "changed", "unchanged", "removed", "failed")}


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    with serving(Catalogue()) as found:
        yield found


@pytest.fixture
def harvest(app: CKANTestApp) -> Harvest:
    return Harvest(app, new_agency(app, "admin"))


@pytest.fixture
def run(app: CKANTestApp, harvest: Harvest, catalogue: Catalogue) -> Iterator[Run]:
    """A run of a source that reads the catalogue."""
    harvest.add("json_api", catalogue.settings())
    with begun(app, harvest) as found:
        yield found


@contextmanager
def begun(app: CKANTestApp, harvest: Harvest) -> Iterator[Run]:
    """A run of the source, which this process alone is at."""
    with app.flask_app.test_request_context():
        session = model.Session()
        source = session.scalars(select(Source).where(Source.name == harvest.name)).one()
        given = {"source_id": source.id, "agency_id": source.agency_id, "fingerprint": source.fingerprint}
        made = Run(**given, purpose="harvest", state="discovering", starter="test", seen=0)
        session.add(made)
        session.flush()
        number = made.id
        with alone(session, str(number)) as mine:
            assert mine
            session.commit()
            yield made
            session.rollback()
            session.execute(delete(Item).where(Item.run_id == number))
            session.execute(delete(Run).where(Run.id == number))
            session.commit()


def listed(run: Run) -> None:
    """The run has read its list, and its items are to be fetched; no job is given out."""
    session = model.Session()
    with visiting.visit(session, session.get_one(Source, run.source_id), run) as visit:
        discover(session, run, visit.harvester, 100)
    comparing.make_batches(session, run)
    run.state = "fetching"
    session.commit()
