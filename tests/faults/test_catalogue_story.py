"""A catalogue is harvested by workers that die in the midst of it, harvested again, and followed when it changes and shrinks.

The source speaks CKAN's action API and notes what it is asked: what was finished before a death is not asked for after it. A
worker dies at the very question that the seed names, so always within the run; the seed is printed. The short form has 36 data
sets and workers born by fork on a queue of their own; the long one 2,000, and a whole portal whose worker is started again by
nobody's hand (`./kzopen test faults`). `KZOPEN_FAULT_SEED` repeats a run.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from ckan import model
from ckanext.kzopen.core.jobs import registry
from ckanext.kzopen.publishing.harvest.model import Item
from sqlalchemy import select, text

from tests.conftest import NO_TLS, LivePortal, free_port, portal_at
from tests.faults import killing
from tests.faults.forked_harvester import QUEUE, on_a_queue_of_their_own
from tests.faults.harvests import COUNTS, counts_of
from tests.harvesters.ckan_portal import CkanPortal
from tests.mortals import Forge
from tests.publishing.harvest.conftest import BASE, Harvest, catalogue, harvest
from tests.publishing.harvest.source import Catalogue, Thing, table

__all__ = ["catalogue", "harvest"]
WORKER = "tests.faults.forked_harvester"
PATIENCE = 600.0
FOUND_WITHIN = 90.0
PAGE = 100
REASON = "Ведомство подтвердило, что этих наборов больше нет"
FINISHED = "SELECT guid FROM kzopen.harvest_item WHERE run_id = %s AND outcome IS NOT NULL"
SILENT = text(
    """
    UPDATE kzopen.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'
    WHERE id IN (SELECT worker_id FROM kzopen.procrastinate_jobs WHERE queue_name = :queue AND status = 'doing')
    """
)

pytestmark = pytest.mark.fault


@dataclass(frozen=True)
class Form:
    """How large the story is: data sets; of each death between which parts of the questions that are left at least; what then
    happens at the source, and how many it loses in the end."""

    sets: int
    deaths: tuple[tuple[float, float], ...]
    changed: int
    fresh: int
    gone: int
    lost: int


SHORT = Form(sets=36, deaths=((0, 0.5), (0.75, 0.9)), changed=4, fresh=2, gone=3, lost=9)
LONG = Form(sets=2000, deaths=((0.02, 0.3),) * 6, changed=40, fresh=20, gone=30, lost=450)
"""A source loses its first data sets below the threshold of a fifth, and the last ones above it."""


class World(Protocol):
    """A portal with a source, and the workers that die in it. `prefix` stands before the names of the source's data sets."""

    agency: str
    source: str
    prefix: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of an answer; POST where there is a body."""

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of what anybody may read."""

    def finished(self, run: str) -> set[str]:
        """Which items of a run have their outcomes."""

    def worker(self) -> int:
        """The process that works on harvests, which may have just begun to live."""

    def buried(self, worker: int) -> None:
        """Wait until its death was seen."""

    def left_alone(self) -> None:
        """No worker is killed any more."""


@dataclass
class Story:
    """What the source has and what it was asked; `sets` are the names of what it has."""

    world: World
    catalogue: Catalogue
    source: CkanPortal
    deaths: list[tuple[int, set[str]]] = field(default_factory=list)
    """Of each death how many questions the source had been asked before, and what was finished by then."""

    def start(self, purpose: str = "harvest") -> str:
        return str(self.world.ask(f"{BASE}/sources/{self.world.source}/runs", {"purpose": purpose})["id"])

    def ended(self, run: str) -> dict[str, Any]:
        """The run when nothing of it is under way."""
        until = time.monotonic() + PATIENCE
        while (found := self.world.ask(f"{BASE}/runs/{run}"))["under_way"]:
            assert time.monotonic() < until, found
            time.sleep(0.15)
        told: dict[str, Any] = found
        return told

    def harvested(self) -> tuple[str, dict[str, int]]:
        """How a further run ends, and its counts, which add up; the questions before it are forgotten."""
        self.catalogue.asked.clear()
        run = self.ended(self.start())
        return run["state"], counts_of(run)

    def die(self, run: str, choice: random.Random, between: tuple[float, float]) -> None:
        """The worker dies at one of the next questions, or a moment after it; each item that is left wants two."""
        left, pid = 2 * (len(self.source.names) - len(self.world.finished(run))), self.world.worker()
        question, dead = 1 + int(choice.uniform(*between) * left), threading.Event()
        wait = choice.choice((0.0, choice.uniform(0.0, 0.2)))
        heard = iter(range(1, question + 1))

        def strike() -> None:
            if next(heard, question + 1) == question:
                time.sleep(wait)
                os.kill(pid, signal.SIGKILL)
                dead.set()

        self.catalogue.heard = strike
        while not dead.wait(0.5):
            assert self.world.ask(f"{BASE}/runs/{run}")["under_way"], "the run ended before"
        self.catalogue.heard = lambda: None
        self.world.buried(pid)
        self.deaths.append((len(self.catalogue.asked), self.world.finished(run)))
        print(f"  died at question {question} of at least {left}, {wait:.2f} s after it: {len(self.deaths[-1][1])} finished")

    def check_questions(self) -> None:
        """What was finished before a death was asked for no more after it."""
        for number, (asked, finished) in enumerate(self.deaths, 1):
            again = set(self.asked_for(asked)) & finished
            assert not again, f"fetched anew after death {number}: {sorted(again)}"

    def asked_for(self, begin: int = 0) -> Iterator[str]:
        """The data sets whose description or table was asked for, in order."""
        for path in self.catalogue.asked[begin:]:
            if path.startswith("/file/"):
                yield path.removeprefix("/file/").removesuffix(".csv")
            elif path.startswith("/api/3/action/package_show"):
                yield path.rsplit("id=", 1)[-1]

    def check_published(self, names: list[str]) -> None:
        """Search finds each of them once and nothing else of the agency; each table can be read, with the source's rows."""
        wanted, until = sorted(self.world.prefix + name for name in names), time.monotonic() + FOUND_WITHIN
        while (found := self.found()) != wanted:
            assert time.monotonic() < until, f"found {len(found)}, not {len(wanted)}: {sorted({*found} ^ {*wanted})[:10]}"
            time.sleep(0.3)
        for name in names:
            status, text = self.world.get(f"/data/{self.world.prefix}{name}.csv?raw=1")
            assert (status, _rows(text)) == (200, _rows(self.catalogue.things[name].body.decode())), name

    def found(self) -> list[str]:
        """The names of what search finds by a word of all titles, page by page, in order."""
        names: list[str] = []
        while True:
            query = f"q=набор&fq=organization:{self.world.agency}&sort=name+asc&rows={PAGE}&start={len(names)}"
            page = json.loads(self.world.get(f"/api/3/action/package_search?{query}")[1])["result"]["results"]
            if not page:
                return names
            names += [one["name"] for one in page]

    def check_withdrawn(self, names: list[str]) -> None:
        """Nobody gets the table of what is gone, nor its passport."""
        for name in names:
            uri = self.world.prefix + name
            assert self.world.get(f"/data/{uri}.csv")[0] in (404, 410), uri
            assert self.world.get(f"/api/universal/v1/datasets/{uri}")[0] == 404, uri

    def lose(self, number: int, choice: random.Random) -> list[str]:
        """The source has so many fewer; their names."""
        gone = choice.sample(self.source.names, number)
        self.source.names = [name for name in self.source.names if name not in gone]
        return gone


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def tell(story: Story, form: Form) -> None:
    """The story from its beginning to its end."""
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    print(f"seed {seed}, {form}")
    choice, clock = random.Random(seed), Clock()
    run = story.start()
    for between in form.deaths:
        story.die(run, choice, between)
    assert 0 < len(story.deaths[-1][1]) < form.sets, "the last death was in the midst of it"
    story.world.left_alone()
    first = story.ended(run)
    assert (first["state"], counts_of(first)) == ("finished", counts(added=form.sets)), first
    story.check_questions()
    clock.tell(f"{form.sets} harvested through {len(form.deaths)} deaths")
    story.check_published(story.source.names)
    clock.tell("each found by search, its table read")

    assert story.harvested() == ("finished", counts(unchanged=form.sets))
    assert not list(story.asked_for()), "what has not changed was asked for"
    clock.tell("harvested again: nothing has changed")

    gone = story.lose(form.gone, choice)
    changed = choice.sample(story.source.names, form.changed)
    for number, name in enumerate(changed):
        story.catalogue.things[name] = Thing(table(5, number), "2")
    story.source.add(form.fresh)
    kept = form.sets - form.gone
    wanted = counts(added=form.fresh, changed=form.changed, unchanged=kept - form.changed, removed=form.gone)
    assert story.harvested() == ("finished", wanted)
    assert {*story.asked_for()} == {*changed, *story.source.names[kept:]}
    story.check_published(story.source.names)
    story.check_withdrawn(gone)
    clock.tell(f"followed its source: {wanted}")

    before = list(story.source.names)
    lost = story.lose(form.lost, choice)
    waits = story.ended(story.start())
    assert waits["state"] == "awaiting_confirmation", waits
    story.check_published(before)
    story.world.ask(f"{BASE}/runs/{waits['id']}/confirm_removals", {"reason": REASON})
    over = story.ended(waits["id"])
    assert (over["state"], counts_of(over)) == ("finished", counts(unchanged=len(story.source.names), removed=form.lost)), over
    story.check_published(story.source.names)
    story.check_withdrawn(lost)
    clock.tell(f"{form.lost} that were gone at once waited for a person, and were withdrawn then")


def counts(**known: int) -> dict[str, int]:
    """The counts of a run, of which these are not none."""
    return dict.fromkeys(COUNTS, 0) | known


@dataclass
class Clock:
    """Tells what each part of the story took."""

    since: float = field(default_factory=time.monotonic)

    def tell(self, what: str) -> None:
        now = time.monotonic()
        print(f"  {now - self.since:6.1f} s: {what}", flush=True)
        self.since = now


@dataclass
class Lane:
    """The portal of the tests: its own worker does not see the queue of the run in which workers die."""

    harvest: Harvest
    mortals: Forge
    patch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        self.agency, self.source, self.prefix = self.harvest.agency.name, self.harvest.name, f"{self.harvest.name[-10:]}-"
        for name, task in on_a_queue_of_their_own().items():
            self.patch.setitem(registry._tasks, name, task)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        path = path.removeprefix(BASE)
        answer = self.harvest.get(path) if body is None else self.harvest.post(path, **body)
        assert answer.status_code < 300, answer.text
        return answer.json

    def get(self, path: str) -> tuple[int, str]:
        answer = self.harvest.app.test_client(use_cookies=False).get(path)
        return answer.status_code, answer.text

    def finished(self, run: str) -> set[str]:
        try:
            return set(model.Session().scalars(select(Item.guid).where(Item.run_id == run, Item.outcome.is_not(None))))
        finally:
            model.Session.remove()

    def worker(self) -> int:
        return self.mortals.born(WORKER, self.source)

    def buried(self, worker: int) -> None:
        """And eight seconds later, in which it has not been heard of."""
        assert self.mortals.ended() == -signal.SIGKILL, self.mortals.errors()
        model.Session().execute(SILENT, {"queue": QUEUE})
        model.Session().commit()

    def left_alone(self) -> None:
        self.worker()
        assert self.mortals.ended() == 0, self.mortals.errors()
        self.patch.undo()


@dataclass
class Whole:
    """A portal of its own, whose worker is begun again by the portal itself."""

    portal: LivePortal
    killer: killing.Killer
    agency = source = "faults"
    prefix = ""

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Asked again while the portal is in pieces."""
        until, headers = time.monotonic() + 60, {"Authorization": self.portal.accounts["operator"]["token"]}
        while True:
            method = "GET" if body is None else "POST"
            answer = httpx.request(method, self.portal.url + path, json=body, headers=headers, timeout=60, verify=NO_TLS)
            if answer.status_code < 300:
                return answer.json()
            assert answer.status_code >= 500 and time.monotonic() < until, answer.text  # noqa: PT018 - one wait
            time.sleep(0.3)

    def get(self, path: str) -> tuple[int, str]:
        answer = httpx.get(self.portal.url + path, timeout=60, verify=NO_TLS)
        return answer.status_code, answer.text

    def finished(self, run: str) -> set[str]:
        return {guid for (guid,) in killing.rows(self.portal, FINISHED, [run])}

    def worker(self) -> int:
        pid = killing.pid_of(self.portal, "worker", self.killer.choice)
        assert pid, killing.status(self.portal)
        return pid

    def buried(self, pid: int) -> None:
        self.killer.since = time.monotonic()
        self.killer.fallen.append(pid)
        self.killer.killed["worker"] += 1
        self.killer.wait_whole("worker")

    def left_alone(self) -> None:
        """It begins anew by itself."""


@pytest.mark.timeout(900)
def test_a_catalogue_is_harvested_through_deaths_and_followed(
    harvest: Harvest, catalogue: Catalogue, mortals: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = CkanPortal(catalogue, SHORT.sets)
    harvest.ready("ckan", {"address": catalogue.url})
    tell(Story(Lane(harvest, mortals, monkeypatch), catalogue, source), SHORT)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_thousand_sets_are_harvested_through_deaths_and_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue
) -> None:
    monkeypatch.setenv("KZOPEN_INTERNAL_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("KZOPEN_REQUIRE_SECOND_FACTOR", "false")
    source = CkanPortal(catalogue, LONG.sets)
    source.most = 1000
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
        world = Whole(portal, killing.Killer(portal, random.Random(0)))
        story = Story(world, catalogue, source)
        world.ask("/api/3/action/organization_create", {"name": world.agency})
        given = {"name": world.source, "kind": "ckan", "agency": world.agency, "settings": {"address": catalogue.url}}
        world.ask(f"{BASE}/sources", given)
        assert story.ended(story.start("preview"))["state"] == "finished"
        world.ask(f"{BASE}/sources/{world.source}/switch_on", {})
        tell(story, LONG)
        print(f"  {world.killer.told()}")
