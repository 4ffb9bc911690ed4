"""A pytest plugin: several lanes take the files of a run one after another, the longest first.

`./kzopen test` loads it beside pytest-xdist and starts each lane with the ini of a portal of its own. Files that use the same
costly thing go to one lane, so that it is started once. `lanes.yaml` says which go before all others, and how long the slow
files take; another file is judged by its number of tests.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_suffix(".yaml")
SECONDS_OF_A_TEST = 0.15
# Costly things that live as long as the run, and how a file that uses one is known: by its path or by a word in it.
SHARED = {
    "a running portal": re.compile(r"\Atests/(browser|api_clients/python)/|\blive_portal\b"),
}


@cache
def unit_of_file(path: str) -> str:
    """What one lane takes as a whole: the files that share a costly thing, or else the file."""
    file = ROOT / path
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return next((name for name, sign in SHARED.items() if sign.search(f"{path}\n{text}")), path)


def unit_of(nodeid: str) -> str:
    """The unit to which a test belongs."""
    return unit_of_file(nodeid.split("::")[0])


@cache
def table() -> dict[str, Any]:
    """What `lanes.yaml` says."""
    content: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return content


def seconds_of_files() -> dict[str, float]:
    """The table of slow files."""
    return dict(table()["seconds"])


def goes_early(unit: str) -> bool:
    """Whether a unit goes before all others."""
    return unit in table()["early"]


def expected_seconds(nodeids: list[str]) -> dict[str, float]:
    """How long each unit is expected to take."""
    known = seconds_of_files()
    seconds: defaultdict[str, float] = defaultdict(float)
    for path, tests in Counter(nodeid.split("::")[0] for nodeid in nodeids).items():
        seconds[unit_of_file(path)] += known.get(path, tests * SECONDS_OF_A_TEST)
    return dict(seconds)


class Lanes(LoadScopeScheduling):
    """Hands out whole units, in the order in which they were collected."""

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        """A test is known by its place: what stands in brackets may hold a time or a random number, so it differs by lane."""
        first = next(iter(self.registered_collections.values()), collection)
        same = [nodeid.split("[")[0] for nodeid in first] == [nodeid.split("[")[0] for nodeid in collection]
        super().add_node_collection(node, first if same else collection)

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A lane's CKAN reads the lane's own configuration; who hands out the tests runs none, and need not load CKAN."""
    if hasattr(config, "workerinput"):
        config.option.ckan_ini = os.environ["KZOPEN_TEST_INI"]
    else:
        config.pluginmanager.unregister(name="ckan")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    seconds = expected_seconds([item.nodeid for item in items])

    def place(item: pytest.Item) -> tuple[bool, float, str]:
        unit = unit_of(item.nodeid)
        return not goes_early(unit), -seconds[unit], unit

    items.sort(key=place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    return Lanes(config, log)
