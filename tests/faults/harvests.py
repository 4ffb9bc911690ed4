"""What harvests must make of a catalogue that changes from one to the next, and whether a portal's tables agree with it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import sql

from tests.publishing.harvest.source import Catalogue, Thing, table

Ask = Callable[[str], list[tuple[Any, ...]]]
"""Takes a statement; what PostgreSQL says."""
COUNTS = ("added", "changed", "unchanged", "removed", "failed")
LEFT = "SELECT count(*) FROM kzopen.procrastinate_jobs WHERE queue_name = 'harvest' AND status IN ('todo', 'doing')"
TOLD = """
    SELECT p.name, v.versions, v.rows, v.resource_id, d.data_dict::jsonb #>> '{resources,0,table_version}', l.leaves
    FROM package p
    LEFT JOIN LATERAL (SELECT count(*) AS versions, (array_agg(rows ORDER BY number DESC))[1] AS rows,
                       max(resource_id) AS resource_id FROM kzopen.version WHERE package_id = p.id) v ON true
    LEFT JOIN LATERAL (SELECT count(*) AS leaves FROM kzopen.leaf WHERE kind = 'version' AND object_id = p.id) l ON true
    LEFT JOIN kzopen.search_document d ON d.entity_id = p.id
    WHERE p.state = 'active' AND p.type = 'dataset' ORDER BY p.name
"""
UNSETTLED = "SELECT uri, state, version, settled, received FROM kzopen.delivery WHERE state <> 'accepted' OR settled IS NULL"
HIDDEN = "SELECT count(*) FROM pg_class WHERE starts_with(relname, '_new_') AND relkind = 'r'"


@dataclass
class Expected:
    """The catalogue as the last harvest found it, how many versions each of its data sets must have, and which are gone."""

    catalogue: Catalogue
    things: dict[str, Thing] = field(default_factory=dict)
    versions: Counter[str] = field(default_factory=Counter)
    gone: set[str] = field(default_factory=set)

    def change(self, choice: random.Random, number: int) -> dict[str, int]:
        """Up to a fifth of the items are gone, some have other rows or another title, four are new; what a run must count."""
        things, before = self.catalogue.things, self.things
        for name in choice.sample(sorted(things), len(things) // 5):
            del things[name]
        for name in choice.sample(sorted(things), min(4, len(things))):
            things[name] = Thing(table(3 + number, number), str(number))  # more rows each time: losses would wait for a person
        for name in choice.sample(sorted(things), min(2, len(things))):
            things[name] = Thing(things[name].body, f"{number}t", f"Жинақ {number}")
        self.catalogue.fill(4, 100 + number * 10)
        for name, thing in things.items():
            self.versions[name] += name not in before or thing.body != before[name].body
        self.things = {name: replace(thing) for name, thing in things.items()}
        self.gone |= before.keys() - things.keys()
        kept = things.keys() & before.keys()
        changed = sum(things[name] != before[name] for name in kept)
        counts = {"added": len(things) - len(kept), "changed": changed, "unchanged": len(kept) - changed}
        return counts | {"removed": len(before) - len(kept), "failed": 0}

    def rows(self, name: str) -> int:
        """How many rows the table of a data set has."""
        return self.things[name].body.count(b"\n") - 1


def check_tables(main: Ask, datastore: Ask, expected: Expected) -> None:
    """Nothing is left to do, and versions, leaves, documents and DataStore agree with the catalogue, item by item."""
    assert main(LEFT) == [(0,)], "jobs are left in the queue"
    assert main(UNSETTLED) == [], "a delivery is not at its end"
    assert datastore(HIDDEN) == [(0,)], "a hidden table is left in DataStore"
    told = main(TOLD)
    assert [name for name, *_ in told] == sorted(expected.things)
    for name, versions, rows, resource, shown, leaves in told:
        length, number = expected.rows(name), expected.versions[name]
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(resource)).as_string()
        stored = datastore(count)[0][0]
        seen_here = (versions, leaves, int(shown), rows, stored)
        assert seen_here == (number, number, number, length, length), (name, seen_here)


def counts_of(run: Mapping[str, Any]) -> dict[str, int]:
    """The counts of a run; AssertionError unless they add up."""
    counts = {name: int(run[name]) for name in COUNTS}
    assert run["seen"] == sum(counts.values()), run
    return counts
