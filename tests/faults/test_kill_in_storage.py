"""kill -9 of who stores and folds versions, at named stops and at random moments: every version stays what it was.

The seed is printed; `KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_MOMENTS` makes it longer (a tenth of it are lives of the
process, each with many deliveries and foldings).
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
import psycopg
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing import process
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.rows import datastore, reading, store, upkeep
from ckanext.kzopen.rows.model import TableFile, Version
from sqlalchemy import select

from tests.faults.storing import POINTS
from tests.mortals import Forge
from tests.publishing.conftest import Api, new_agency, passport
from tests.publishing.test_large_tables import FIELDS, FIRST, Rows, body

pytestmark = pytest.mark.fault
STORING = "tests.faults.storing"
LONGEST_LIFE = 4.0
"""Seconds from the first delivery of a life on."""


@dataclass
class Table:
    """A large table, and what its versions must hold."""

    app: CKANTestApp
    mortals: Forge
    uri: str
    folder: Path
    process: tuple[str, ...] = (STORING,)
    """The module of the process that stores, and the first of its words."""
    acknowledged: list[dict[str, Any]] = field(default_factory=list)

    def live(self, seed: int, point: str = "", seconds: float | None = None) -> None:
        """One life of the process that stores, to its death by a kill -9."""
        output = self.folder / f"{seed}{point}.jsonl"
        child = self.mortals.born(*self.process, self.uri, str(seed), point, said=output)
        if seconds is not None:
            until = time.monotonic() + 600
            while not output.exists() or b"\n" not in output.read_bytes():
                assert time.monotonic() < until, f"nothing was delivered in 600 s: {self.mortals.errors()}"
                time.sleep(0.02)
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        assert self.mortals.ended() == -signal.SIGKILL, self.mortals.errors()
        self._hear(output)

    def fill_up(self, seed: int, largest: int) -> str:
        """A life on a disk that takes no file of more than so many bytes; what it said in the end."""
        output = self.folder / f"{seed}full.jsonl"
        self.mortals.born(STORING, self.uri, str(seed), "", str(largest), said=output)
        assert self.mortals.ended() == 1
        self._hear(output)
        return self.mortals.errors()

    def _hear(self, output: Path) -> None:
        self.acknowledged += [json.loads(line) for line in output.read_bytes().split(b"\n")[:-1]]

    def finish(self) -> None:
        """What the worker does with deliveries whose worker died, in the order in which they came."""
        with self.app.flask_app.test_request_context():
            for said in self.acknowledged:
                process.process(model.Session(), configured(), UUID(said["delivery"]))
            model.Session.remove()

    def expected(self) -> list[Rows]:
        """The rows of each version, from the first on, as a dictionary would have them."""
        found = [dict(FIRST)]
        for said in self.acknowledged:
            rows = dict(found[-1])
            for row in csv.DictReader(io.StringIO(said["rows"])):
                if said["mode"] == "delete":
                    rows.pop(row["code"], None)
                else:
                    rows[row["code"]] = (row["name"], int(row["amount"]))
            found.append(rows)
        return found

    def broken(self) -> list[str]:
        """All that does not hold, in sentences."""
        session, url = model.Session(), configured().files_url
        found = [
            f"delivery {said['delivery']} is {session.get_one(Delivery, UUID(said['delivery'])).state}"
            for said in self.acknowledged
            if session.get_one(Delivery, UUID(said["delivery"])).state != "accepted"
        ]
        made = list(session.scalars(select(Version).where(Version.uri == self.uri).order_by(Version.number)))
        deliveries = [version.delivery_id for version in made[1:]]
        if deliveries != [said["delivery"] for said in self.acknowledged]:
            found.append("versions and acknowledged deliveries are not the same, or not in one order")
        for version, wanted in zip(made, self.expected(), strict=False):
            rows = reading.table_of(session, url, version).read().to_pylist()
            if {row["code"]: (row["name"], row["amount"]) for row in rows} != wanted or len(rows) != len(wanted):
                found.append(f"version {version.number} has not its rows")
        files = session.scalars(select(TableFile).where(TableFile.package_id == made[0].package_id))
        found += [f"{file.path} is not whole" for file in files if not store.verify(url, file.path, file.sha256)]
        with datastore_write() as connection:
            shown = datastore.loaded(connection, str(made[-1].resource_id))
        if shown != datastore.Loaded(made[-1].sha256, made[-1].rows):
            found.append(f"DataStore shows {shown}, not version {made[-1].number}")
        address = model.meta.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as connection:
            found += [sentence for sentence in upkeep.findings(connection) if self.uri in sentence]
        model.Session.remove()
        return found


def datastore_write() -> Any:
    from ckanext.datastore.backend.postgres import get_write_engine

    return get_write_engine().connect()


@pytest.fixture
def table(app: CKANTestApp, mortals: Forge, tmp_path: Path) -> Iterator[Table]:
    agency, uri = new_agency(app), f"stored-{tmp_path.name[-12:].lower().replace('_', '-').strip('-')}-{os.getpid()}"
    api = Api(app, agency.token)
    assert api.put(uri, passport(agency.name, FIELDS, ["code"])).status_code == 201
    assert api.delivery(uri, body(FIRST))["version"]["number"] == 1
    yield Table(app, mortals, uri, tmp_path)
    with app.flask_app.test_request_context():
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        tk.get_action("dataset_purge")({"ignore_auth": True, "user": site}, {"id": uri})


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "points",
    [pytest.param(POINTS[:4], id="deliveries"), pytest.param(POINTS[4:], id="foldings", marks=pytest.mark.long)],
)
def test_a_death_at_any_named_stop_changes_no_version(table: Table, points: tuple[str, ...]) -> None:
    broken = {}
    for seed, point in enumerate(points):
        table.live(seed + 1, point)
        table.finish()
        if sentences := table.broken():
            broken[point] = sentences
    assert broken == {}


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_disk_that_is_full_costs_no_version(table: Table) -> None:
    said = table.fill_up(7, largest=60_000)  # changes are smaller, the whole table is not
    assert "File too large" in said
    table.finish()
    assert table.acknowledged
    assert table.broken() == []
    assert [
        e.name
        for e in store.leftovers(configured().files_url, [], older_than=-60)
        if "unfinished" in e.name and table.uri in e.name
    ] == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_death_at_any_moment_changes_no_version(table: Table) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    lives = max(2, int(os.environ.get("KZOPEN_FAULT_MOMENTS", "10")) // 5)
    print(f"seed {seed}, {lives} lives")
    choice = random.Random(seed)
    for _ in range(lives):
        table.live(choice.randrange(10**6), seconds=choice.uniform(0, LONGEST_LIFE))
        table.finish()
        assert table.broken() == [], f"seed {seed}"
    assert len(table.acknowledged) >= lives
