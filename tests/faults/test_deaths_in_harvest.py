"""A hundred deaths by kill -9 of the worker and of PostgreSQL in the midst of harvests.

Workers are born by fork from one that has loaded CKAN, so that a death costs seconds. After each harvest no item came twice
and none was lost, the counts add up, nothing is left in the queue or "running", and passports, versions, rows, DataStore and
the documents of the search agree. `KZOPEN_FAULT_DEATHS` is how many, `KZOPEN_FAULT_SEED` repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.testing import Suite, test_portal
from ckanext.kzopen.runtime.testing.suites import OPTIONS

from tests.faults.harvests import COUNTS, Expected, check_tables, counts_of
from tests.mortals import Forge, forge
from tests.publishing.harvest.source import Catalogue, serving

WORKER, SOURCE = "tests.faults.forked_worker", "tests.faults.forked_source"
ENDED_WITHIN = 180.0
RUN = "SELECT state, seen, added, changed, unchanged, removed, failed FROM kzopen.harvest_run ORDER BY created DESC LIMIT 1"
FAILED = """
    SELECT i.guid, i.error, i.error_params FROM kzopen.harvest_item i
    JOIN (SELECT id FROM kzopen.harvest_run ORDER BY created DESC LIMIT 1) r ON r.id = i.run_id WHERE i.outcome = 'failed'
"""


@dataclass
class World:
    """A portal without a worker of its own, the forge, and a catalogue to harvest."""

    portal: Portal
    forge: Forge
    expected: Expected

    def rows(self, statement: str, database: str = "deaths_ckan") -> list[tuple[Any, ...]]:
        """What a statement says; PostgreSQL may be recovering."""
        until = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(socket_url("kzopen", database, self.portal.sockets)) as connection:
                    return connection.execute(statement).fetchall()
            except psycopg.OperationalError:
                assert time.monotonic() < until
                time.sleep(0.1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    portal = Portal(Settings(data=tmp_path / "data", demo=False))
    suite = Suite("deaths", [], OPTIONS, worker=False)
    with test_portal(portal, suite) as ini, forge(str(ini), tmp_path / "log") as made, serving(Catalogue()) as catalogue:
        made.born(SOURCE, json.dumps(catalogue.settings()))
        assert made.ended() == 0, made.errors()
        yield World(portal, made, Expected(catalogue))


def die_and_end(world: World, choice: random.Random, number: int) -> list[str]:
    """Three to nine deaths within a run, or fewer when it ends before, then a worker that is left alone; who died when."""
    died = []
    for _ in range(choice.randint(3, 9)):
        worker = world.forge.born(WORKER, str(number))
        wait = choice.uniform(0.2, 3.0)
        time.sleep(wait)
        if choice.random() < 0.25:
            backend = choice.choice(world.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database()"))[0]
            with suppress(ProcessLookupError):
                os.kill(backend, signal.SIGKILL)
                died.append(f"PostgreSQL {wait:.2f}")
            time.sleep(choice.uniform(0.1, 1.0))
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        if (code := world.forge.ended()) != -signal.SIGKILL:
            assert code == 0, world.forge.errors()
            return died
        died.append(f"worker {wait:.2f}")
    worker = world.forge.born(WORKER, str(number))
    until = time.monotonic() + ENDED_WITHIN
    while _alive(worker):
        if time.monotonic() > until:
            os.kill(worker, signal.SIGKILL)
        time.sleep(0.1)
    assert world.forge.ended() == 0, f"a run did not end: {world.rows(RUN)} {world.forge.errors()}"
    return died


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def check(world: World, wanted: dict[str, int]) -> None:
    """The run counted what there was, and everything agrees with the catalogue."""
    state, *counts = world.rows(RUN)[0]
    assert state == "finished", (state, world.rows(FAILED))
    assert counts_of(dict(zip(("seen", *COUNTS), counts, strict=True))) == wanted, world.rows(FAILED)
    check_tables(world.rows, lambda statement: world.rows(statement, "deaths_datastore"), world.expected)


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_no_item_is_lost_or_doubled_by_any_death(world: World) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    wanted = int(os.environ.get("KZOPEN_FAULT_DEATHS", "6"))
    print(f"seed {seed}, deaths {wanted}")
    choice, deaths, number = random.Random(seed), 0, 0
    world.expected.catalogue.fill(8)
    while deaths < wanted:
        number += 1
        counts = world.expected.change(choice, number)
        died = die_and_end(world, choice, number)
        deaths += len(died)
        check(world, counts)
        print(f"  {number}: {', '.join(died)}: {counts}", flush=True)
