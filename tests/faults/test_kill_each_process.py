"""kill -9 of worker, web server and PostgreSQL, at random moments, while tables are replaced, changed and folded.

A round is one death of a worker, of the web server or one of its workers, or of PostgreSQL; the other processes die in
addition. Who sends repeats with its key until it is answered. Afterwards each key is one delivery, each delivery one version,
all interfaces tell what was sent last, and the doctor finds nothing; after each death the portal is whole again within 15 s,
counted from the kill, and after the last one a table is published and found within them.
The seed is printed; `KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_ROUNDS` makes it longer (`./kzopen test faults`: 100).
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import LivePortal, free_port, portal_at
from tests.faults import agreement, killing
from tests.faults.publishers import API, DECIDED_WITHIN, Publisher, Rows, Upserter, final_state, register

ROUNDS = int(os.environ.get("KZOPEN_FAULT_ROUNDS", "4"))
PUBLISHERS = 3
PROBE = "fault-probe"
WITHIN = 3.0 if ROUNDS > 10 else 1.5
"""A process dies at a moment of so many seconds."""
MANY = 100
"""In so many rounds some die in the midst of each of the jobs that write tables: every FOLD_TH of them while one is folded."""
FOLD_TH = 10
WRITING = ("publishing.process", "rows.fold")
LOOKED_AT = 5
"""So many earlier versions of each table are read as a whole."""
DELIVERIES = """
    SELECT idempotency_key, id::text, state, version, settled IS NOT NULL
    FROM kzopen.delivery WHERE uri = %s ORDER BY received, version
"""
UNSETTLED = "SELECT count(*) FROM kzopen.delivery WHERE settled IS NULL"
HIDDEN = "SELECT count(*) FROM pg_class WHERE starts_with(relname, '_new_') AND relkind = 'r'"


@pytest.fixture
def own_portal(tmp_path: Path) -> Iterator[LivePortal]:
    """A portal without demo content that may be broken."""
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
        yield portal


@pytest.mark.fault
@pytest.mark.timeout(900 + 60 * ROUNDS)
def test_nothing_is_lost_or_doubled_when_processes_are_killed(own_portal: LivePortal) -> None:
    nothing_is_lost_or_doubled(own_portal)


def nothing_is_lost_or_doubled(own_portal: LivePortal, before_the_end: Callable[[], None] = lambda: None) -> None:
    """Kill processes of a portal, and compare what it tells; `before_the_end` is done after the last death."""
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    print(f"seed {seed}, rounds {ROUNDS}")
    killer = killing.Killer(own_portal, random.Random(seed))
    publishers, probe = prepared(own_portal), Publisher(own_portal, PROBE)
    began, stop = time.monotonic(), threading.Event()
    with ThreadPoolExecutor(len(publishers)) as pool:
        working = [pool.submit(publisher.publish, stop) for publisher in publishers]
        try:
            kill_all(killer, ROUNDS)
            before_the_end()
            is_published_and_found(probe, killer)
            until = time.monotonic() + DECIDED_WITHIN
            while sum(len(one.acknowledged) for one in publishers) < 2 * ROUNDS and time.monotonic() < until:
                time.sleep(0.2)  # few deaths take few seconds
        finally:
            stop.set()
        for one in working:
            one.result()
    sent, lost = sum(len(one.sendings) for one in publishers), sum(one.lost for one in publishers)
    print(f"  {killer.told()}")
    print(
        f"  {sent} sendings in {time.monotonic() - began:.0f} s, repeated {lost} times, "
        f"had arrived before {sum(one.replayed for one in publishers)}"
    )
    assert sent >= 2 * ROUNDS, "too little was published to prove anything"
    wait_settled(own_portal)
    if ROUNDS >= MANY:
        assert all(killer.under_way[task] for task in WRITING), "nobody died while one of the jobs ran"
        assert agreement.folded(own_portal, publishers[-1].uri), "nothing was folded"
    agreement.eventually(lambda: killing.rows(own_portal, agreement.UNREAD), [], "the outbox")
    for publisher in (*publishers, probe):
        check_deliveries(own_portal, publisher)
        check_versions(own_portal, publisher, killer.choice)
        check_interfaces(own_portal, publisher)
        check_search(own_portal, publisher)
    assert killing.rows(own_portal, HIDDEN, name="datastore") == [(0,)], "a hidden table is left in DataStore"
    agreement.check_commands(own_portal)


def kill_all(killer: killing.Killer, rounds: int) -> None:
    """So many deaths of those that count, and some of others; one whose process is just missing is tried again."""
    for number, name in enumerate(killer.order(rounds), 1):
        while not killer.kill(name, within=WITHIN, amid="" if number % FOLD_TH else "rows.fold"):
            killer.wait_whole(name)
        told = f"  killed {name}, whole again after {killer.wait_whole(name):.1f} s"
        print(told, *[f"(of {killer.allowed:.0f} s)"] * (killer.allowed > killing.WHOLE_AGAIN_SECONDS), flush=True)


def is_published_and_found(probe: Publisher, killer: killing.Killer) -> None:
    """A table that is sent after the last death is accepted and found by search, all within the time since the kill."""
    probe.deliver(probe.next(1))
    probe.describe("songyolim")
    assert final_state(probe.portal, probe.acknowledged[-1]) == "accepted"
    wanted = [agreement.as_searched(agreement.package(probe.portal, probe.uri))]
    agreement.eventually(lambda: agreement.searched(probe.portal, probe.mark), wanted, f"search for {probe.mark}")
    took = time.monotonic() - killer.since
    print(f"  published and found {took:.1f} s after the last kill", flush=True)
    assert took < killer.allowed


def prepared(portal: LivePortal) -> Sequence[Publisher]:
    """An agency, a passport for each publisher, and the large table with its rows."""
    publishers = [
        *(Publisher(portal, f"fault-{number}") for number in range(PUBLISHERS)),
        Upserter(portal, "fault-large", 0.1),
    ]
    register(portal, [*(one.uri for one in publishers), PROBE])
    upserter = publishers[-1]
    upserter.deliver(upserter.next(1))
    wait_settled(portal)
    return publishers


def wait_settled(portal: LivePortal) -> None:
    """Until every delivery is decided on and shown."""
    until = time.monotonic() + DECIDED_WITHIN
    while (left := killing.rows(portal, UNSETTLED)) != [(0,)]:
        assert time.monotonic() < until, f"deliveries are not at their end: {left}"
        time.sleep(0.5)


def check_deliveries(portal: LivePortal, publisher: Publisher) -> None:
    """Each key is one delivery, that which was acknowledged, accepted as a version of its own, in the order of sending."""
    wanted = [
        (sending.key, delivery, "accepted", number, True)
        for number, (sending, delivery) in enumerate(zip(publisher.sendings, publisher.acknowledged, strict=True), 1)
    ]
    assert killing.rows(portal, DELIVERIES, [publisher.uri]) == wanted
    assert len({delivery for _key, delivery, *_rest in wanted}) == len(wanted), "two keys are one delivery"
    last = publisher.sendings[-1]
    again = publisher.insist(
        "POST",
        f"{API}/datasets/{publisher.uri}/rows?mode={last.mode}",
        content=last.body(),
        headers={"Idempotency-Key": last.key, "Content-Type": "text/csv"},
    )
    assert (again.json()["id"], again.headers.get("Idempotent-Replayed")) == (publisher.acknowledged[-1], "true")


def check_versions(portal: LivePortal, publisher: Publisher, choice: random.Random) -> None:
    """As many versions as deliveries, each with its number of rows; some are read as a whole."""
    told = agreement.versions(portal, publisher.uri)
    found = [(one["number"], one["delivery"], one["rows"]) for one in told]
    wanted: list[tuple[int, str, int]] = []
    rows: Rows = {}
    for number, sending in enumerate(publisher.sendings, 1):
        rows = sending.after(rows)
        wanted.append((number, publisher.acknowledged[number - 1], len(rows)))
    assert found == wanted
    for one in choice.sample(told, min(LOOKED_AT, len(told))):
        rows = agreement.at(portal, str(one["links"]["csv"]))
        assert rows == publisher.rows_after(one["number"]), f"version {one['number']}"


def check_interfaces(portal: LivePortal, publisher: Publisher) -> None:
    """Files, DataStore, package and search for packages tell the rows that were sent last, and nothing else."""
    uri, number = publisher.uri, len(publisher.sendings)
    rows = publisher.rows_after(number)
    assert agreement.in_file(portal, uri) == rows
    agreement.eventually(lambda: agreement.in_datastore(portal, uri), rows, f"DataStore of {uri}")
    told = (number, len(rows), agreement.versions(portal, uri)[-1]["sha256"])
    assert agreement.of_resource(agreement.package(portal, uri)) == told
    agreement.eventually(lambda: agreement.in_package_search(portal, uri), [told], f"package_search for {uri}")


def check_search(portal: LivePortal, publisher: Publisher) -> None:
    """The engine finds the data set by the word that its title got last, as it is now, and by none that it had before."""
    package = agreement.package(portal, publisher.uri)
    if publisher.mark:
        told = [agreement.as_searched(package)]
        agreement.eventually(lambda: agreement.searched(portal, publisher.mark), told, f"search for {publisher.mark}")
    for former in publisher.former:
        assert agreement.searched(portal, former) == [], f"{former} is found no more"
