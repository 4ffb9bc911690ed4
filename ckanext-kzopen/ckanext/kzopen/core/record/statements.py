"""Do the signed statements agree with the log: heads, keys, erasures? The part of `verification` that is not the tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from ckanext.kzopen.core.record.hashing import Node, perfect_nodes, span_hash
from ckanext.kzopen.core.record.heads import TYPE as HEAD
from ckanext.kzopen.core.record.keys import KIND as KEY
from ckanext.kzopen.core.record.keys import is_signed, key_id
from ckanext.kzopen.core.record.log import ERASED, moment

Connection = psycopg.Connection[Any]
Statement = dict[str, Any]
AT_ONCE = 500


@dataclass(frozen=True)
class Finding:
    """Something that does not agree: `what` (leaf, node, head, key), which one, and a sentence."""

    what: str
    which: str
    sentence: str


ERASURES = """
    SELECT l.index, l.kind, l.object_id, l.at, l.hash, l.erased, t.record
    FROM kzopen.leaf l LEFT JOIN kzopen.leaf t ON t.kind = %s AND t.object_id = l.index::text
    WHERE l.erased IS NOT NULL ORDER BY l.index
"""


def erasure_findings(connection: Connection) -> Iterator[Finding]:
    """Each erased leaf must have its leaf that tells of it."""
    for index, kind, object_id, at, digest, reason, record in connection.execute(ERASURES, [ERASED]):
        named = {"kind": kind, "object": object_id, "at": moment(at), "hash": digest.hex(), "reason": reason}
        if record is None:
            yield Finding("leaf", str(index), f"the text of leaf {index} is gone, and no leaf tells of its erasure")
        elif record != named:
            yield Finding("leaf", str(index), f"leaf {index} is not what the leaf of its erasure tells")


KEYS = """
    SELECT k.id, k.public, k.since, k.until, k.statement, l.record
    FROM kzopen.key k LEFT JOIN kzopen.leaf l ON l.kind = %s AND l.object_id = k.id ORDER BY k.since
"""


def key_findings(connection: Connection, journal: Sequence[Statement]) -> Iterator[Finding]:
    """Each key must be noted in the journal or endorsed by the one before it, be a leaf, and end when the next begins."""
    noted = {said["key"] for said in journal if said.get("type") == "kzopen.record.key"}
    rows = connection.execute(KEYS, [KEY]).fetchall()
    publics = {row[0]: bytes(row[1]) for row in rows}
    for place, (number, public, since, until, said, leaf) in enumerate(rows):
        following = rows[place + 1][2] if place + 1 < len(rows) else None
        trusted = number in noted or _endorsed(said, publics) or (place == 0 and not noted)
        wrong = {
            "is not its own": number != key_id(public) or said["key"] != number or said["public"] != public.hex(),
            "has a statement that it has not signed": not is_signed(said, public) or said["since"] != moment(since),
            "is endorsed by no earlier key and not noted in the journal": not trusted,
            "is not in the log": leaf != said,
            "does not end when the next begins": until != following,
        }
        yield from (Finding("key", number, f"key {number[:16]} {what}") for what, found in wrong.items() if found)


def _endorsed(said: Statement, publics: dict[str, bytes]) -> bool:
    return said.get("previous") in publics and is_signed(said, publics[said["previous"]], "endorsement")


HEADS = "SELECT size, root, at, key, signature FROM kzopen.head ORDER BY size"
TERMS = "SELECT id, public, since, until FROM kzopen.key"


def head_findings(connection: Connection, size: int, journal: Sequence[Statement]) -> tuple[int, list[Finding]]:
    """How many heads there are, in the database and in the journal, and which of them the log contradicts."""
    heads = _heads(connection, journal)
    keys = {
        key: (bytes(public), moment(since), until and moment(until)) for key, public, since, until in connection.execute(TERMS)
    }
    findings = []
    for start in range(0, len(heads), AT_ONCE):
        batch = heads[start : start + AT_ONCE]
        nodes = _nodes(connection, batch, size)
        findings += [found for head in batch if (found := _head_finding(head, size, nodes, keys)) is not None]
    return len(heads), findings


def _heads(connection: Connection, journal: Sequence[Statement]) -> list[Statement]:
    """Every head, one that both the database and the journal have once."""
    found = [
        {"type": HEAD, "size": size, "root": root.hex(), "at": moment(at), "key": key, "signature": signature.hex()}
        for size, root, at, key, signature in connection.execute(HEADS)
    ]
    known = {head["signature"] for head in found}
    return found + [said for said in journal if said.get("type") == HEAD and said["signature"] not in known]


def _nodes(connection: Connection, heads: Iterable[Statement], size: int) -> dict[Node, bytes]:
    wanted = sorted({node for head in heads if head["size"] <= size for node in perfect_nodes((0, head["size"]))})
    query = """
        SELECT n.level, n.index, n.hash FROM unnest(%s::smallint[], %s::bigint[]) AS w (level, index)
        JOIN kzopen.node n ON n.level = w.level AND n.index = w.index
    """
    rows = connection.execute(query, [[level for level, _index in wanted], [index for _level, index in wanted]])
    return {(level, index): bytes(digest) for level, index, digest in rows}


def _head_finding(
    head: Statement, size: int, nodes: dict[Node, bytes], keys: dict[str, tuple[bytes, str, str | None]]
) -> Finding | None:
    number = head["size"]
    public, since, until = keys.get(head["key"], (b"", "", None))
    if number > size:
        sentence = f"the head of {number} leaves ({head['at']}) was signed, but the log has {size}"
    elif not all(node in nodes for node in perfect_nodes((0, number))):
        sentence = f"the head of {number} leaves ({head['at']}) stands on nodes that are missing"
    elif span_hash((0, number), nodes).hex() != head["root"]:
        sentence = f"the log is not the one whose head of {number} leaves was signed ({head['at']})"
    elif not public or not is_signed(head, public):
        sentence = f"the head of {number} leaves is not signed by a key of the portal"
    elif head["at"] < since or (until is not None and head["at"] > until):
        sentence = f"the head of {number} leaves is signed by a key that was not in use at {head['at']}"
    else:
        return None
    return Finding("head", str(number), sentence)
