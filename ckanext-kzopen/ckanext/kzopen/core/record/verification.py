"""Everything recomputed: does each leaf tell its hash, each node its two below, each head its root, and who signed it?

Reads the log in blocks, so memory stays the same whatever its size. What it cannot see is told in `docs/record.md`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from ckanext.kzopen.core.record.hashing import leaf_hash, node_hash
from ckanext.kzopen.core.record.log import content
from ckanext.kzopen.core.record.sealed import event_findings
from ckanext.kzopen.core.record.statements import Finding, erasure_findings, head_findings, key_findings

Connection = psycopg.Connection[Any]
Hashes = list[bytes | None]
BLOCK_LEVEL = 14
BLOCK = 1 << BLOCK_LEVEL


@dataclass(frozen=True)
class Verified:
    """How much was looked at, and what was found."""

    leaves: int
    heads: int
    findings: list[Finding]


def verify_all(connection: Connection, journal: Sequence[dict[str, Any]] = ()) -> Verified:
    """Recompute the whole record; `journal` are the statements noted outside of the database (`Journal.statements`).

    Everything is read from one snapshot, in a transaction of its own.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return verify_here(connection, journal)


def verify_here(connection: Connection, journal: Sequence[dict[str, Any]] = ()) -> Verified:
    """The same, inside of the caller's transaction."""
    size = _size(connection)
    findings = [*_places(connection, size), *_tree(connection, size), *erasure_findings(connection)]
    findings += [*key_findings(connection, journal), *event_findings(connection)]
    heads, wrong = head_findings(connection, size, journal)
    return Verified(size, heads, findings + wrong)


SIZE = "SELECT greatest((SELECT max(index) FROM kzopen.leaf), (SELECT max(index) FROM kzopen.node WHERE level = 0)) + 1"
WITHOUT_PLACE = "SELECT id FROM kzopen.leaf WHERE index IS NULL"
BEYOND = "SELECT level, index FROM kzopen.node WHERE (index + 1) << level > %s"


def _size(connection: Connection) -> int:
    """How many leaves there should be: the most that leaves or nodes tell."""
    row = connection.execute(SIZE).fetchone()
    return int(row[0] or 0) if row else 0


def _places(connection: Connection, size: int) -> Iterator[Finding]:
    for (number,) in connection.execute(WITHOUT_PLACE):
        yield Finding("leaf", str(number), f"record {number} was stored without a place in the log")
    for level, index in connection.execute(BEYOND, [size]):
        yield Finding("node", f"{level}/{index}", f"node {level}/{index} covers leaves that are missing")


def _tree(connection: Connection, size: int) -> Iterator[Finding]:
    """All leaves and nodes: blocks of leaves with the nodes above them up to BLOCK_LEVEL, then the levels above."""
    for start in range(0, size, BLOCK):
        end = min(start + BLOCK, size)
        below = yield from _leaves(connection, start, end)
        for level in range(1, BLOCK_LEVEL + 1):
            below = yield from _level(connection, level, start >> level, end >> level, below)
    below = _hashes(connection, BLOCK_LEVEL, 0, size >> BLOCK_LEVEL)
    for level in range(BLOCK_LEVEL + 1, size.bit_length()):
        below = yield from _level(connection, level, 0, size >> level, below)


LEAVES = """
    SELECT l.index, l.kind, l.object_id, to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), l.hash,
           l.record::text, l.nonce, l.erased
    FROM kzopen.leaf l WHERE l.index >= %s AND l.index < %s
"""
NODES = "SELECT index, hash FROM kzopen.node WHERE level = %s AND index >= %s AND index < %s"


def _leaves(connection: Connection, start: int, end: int) -> Generator[Finding, None, Hashes]:
    """Compare the leaves of a block with their hashes and these with the lowest nodes; returns the nodes."""
    nodes = _hashes(connection, 0, start, end)
    with connection.cursor(binary=True) as cursor:
        rows = {row[0]: row[1:] for row in cursor.execute(LEAVES, [start, end]).fetchall()}
    for index, node in enumerate(nodes, start):
        if (sentence := _wrong(index, rows.get(index), node)) is not None:
            yield Finding("leaf", str(index), sentence)
    return nodes


def _wrong(index: int, row: tuple[Any, ...] | None, node: bytes | None) -> str | None:
    """What is wrong with a leaf, if anything; an erased one can only be compared with the tree."""
    if row is None:
        return f"leaf {index} is missing"
    kind, object_id, at, digest, record, nonce, erased = row
    if digest != node:
        return f"leaf {index} has another hash than the tree"
    if erased is None and (record is None or nonce is None):
        return f"the text of leaf {index} is missing"
    if erased is None and leaf_hash(content(kind, object_id, at, nonce, record)) != digest:
        return f"leaf {index} ({kind} {object_id}) is not what was recorded"
    return None


def _level(connection: Connection, level: int, first: int, end: int, below: Hashes) -> Generator[Finding, None, Hashes]:
    """Compare the nodes `first` to `end` of a level with the pairs below them; returns them."""
    nodes = _hashes(connection, level, first, end)
    for place, node in enumerate(nodes):
        left, right = below[2 * place], below[2 * place + 1]
        if node is None:
            yield Finding("node", f"{level}/{first + place}", f"node {level}/{first + place} is missing")
        elif left is not None and right is not None and node_hash(left, right) != node:
            yield Finding("node", f"{level}/{first + place}", f"node {level}/{first + place} does not fit those below it")
    return nodes


def _hashes(connection: Connection, level: int, first: int, end: int) -> Hashes:
    with connection.cursor(binary=True) as cursor:
        found = dict(cursor.execute(NODES, [level, first, end]).fetchall())
    return [found.get(index) for index in range(first, end)]
