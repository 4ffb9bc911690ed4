"""A real Elasticsearch is killed, or told to end, and started again, while clients change data sets and others read pages.

Writes succeed, no page is an error of ours, and afterwards nothing is out of step without hand work. The seed is printed;
`KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_CHANGES` is how many changes are made (`./kzopen test faults`: 10,000).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import search_engines
from tests.conftest import free_port, portal_at
from tests.faults.portal_changes import Crowd, assert_nothing_is_out_of_step
from tests.search_engines import Node

SIGNALS = (signal.SIGKILL, signal.SIGTERM)
WHILE_AWAY = (200, 409, 503)
"""Pages that search say so with 503, CKAN's API with 409."""
SECRETS = dict.fromkeys(
    ("KZOPEN_SECRET_KEY", "KZOPEN_RECORD_PASSWORD", "KZOPEN_PEOPLE_KEY"), "a secret of the tests, long enough"
)
"""Must be given where a part of the portal is brought by somebody else."""
WITHOUT_SEARCH = ("/dataset/{name}", "/api/3/action/package_show?id={name}", "/api/universal/v1/datasets/{name}")


@pytest.fixture
def node() -> Iterator[Node]:
    """An Elasticsearch that may die."""
    lacks = search_engines.lacks_tools("elasticsearch")
    if lacks:
        pytest.skip(lacks)
    with search_engines.node() as started:
        yield started


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_is_out_of_step_after_deaths_of_the_node(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    wanted = int(os.environ.get("KZOPEN_FAULT_CHANGES", "100"))
    print(f"seed {seed}, {wanted} changes")
    choice, deaths = random.Random(seed), 0
    for name, value in (SECRETS | {"KZOPEN_SEARCH_URL": f"elasticsearch://{node.address}/faults"}).items():
        monkeypatch.setenv(name, value)
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
        began = time.monotonic()
        with Crowd(portal) as crowd:
            while crowd.made < wanted or deaths < len(SIGNALS):
                crowd.wait_for_search(200)
                crowd.wait_for_changes(choice.randint(1, max(20, wanted // 10)))
                node.end(SIGNALS[deaths % len(SIGNALS)])
                deaths += 1
                crowd.wait_for_search(503)
                crowd.wait_for_changes(choice.randint(1, 40))
                node.start()
            crowd.wait_for_search(200)
        seconds, answers = time.monotonic() - began, crowd.answers()
        slowest = max(client.slowest for client in crowd.clients)
        print(f"{crowd.made} changes in {seconds:.0f} s, {deaths} deaths, slowest change {slowest:.1f} s, {dict(answers)}")
        assert [asked for asked in answers if asked[1] not in (WHILE_AWAY if asked[0] not in WITHOUT_SEARCH else (200,))] == []
        assert crowd.lost == 0
        assert_nothing_is_out_of_step(crowd)
