"""Adding to the public record, in the caller's transaction, and erasing a text of it by order.

    leaf = record.append(session, "comment", comment.id, {"text": "…", "part": "chp_2__art_14"})

The hash of a leaf is RFC 6962's over the canonical JSON (RFC 8785) of
`{"at": …, "kind": …, "nonce": 32 hex digits, "object": …, "record": {…}}`. The nonce hides the text from those who know the
hash and guess. The leaf gets its place (`index`) when the transaction is committed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any
from uuid import UUID, uuid4

from ckanext.kzopen.core.record.canonical import canonical
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.record.hashing import leaf_hash
from ckanext.kzopen.core.record.tables import Leaf
from sqlalchemy import text

NONCE_BYTES = 16
OWN = "record."
"""Kinds of leaves by which the log tells of itself begin so."""
ERASED = f"{OWN}erased"
"""Kind of the leaf that tells of an erasure; its object is the number of the leaf whose text is gone."""

_INSERT = text(
    """
    INSERT INTO kzopen.leaf (id, kind, object_id, at, hash, record, nonce)
    SELECT id, kind, object_id, at, decode(hash, 'hex'), CAST(record AS json), decode(nonce, 'hex')
    FROM jsonb_to_recordset(CAST(:leaves AS jsonb))
        AS leaf (id uuid, kind text, object_id text, at timestamptz, hash text, record text, nonce text)
    """
)
_ERASE = text("UPDATE kzopen.leaf SET record = NULL, nonce = NULL, erased = :reason WHERE id = CAST(:id AS uuid)")


class NotErasable(Exception):
    """This leaf is not in the log yet, its text is erased already, or it is one by which the log tells of itself."""


def moment(at: datetime) -> str:
    """A moment as leaves and signed things tell it: UTC, microseconds, `2026-03-05T04:30:00.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def content(kind: str, object_id: str, at: str, nonce: bytes, record: str) -> bytes:
    """The canonical text of a leaf whose record is canonical already; `at` as `moment` tells it."""
    head = f'{{"at":"{at}","kind":{encode_basestring(kind)},"nonce":"{nonce.hex()}"'
    return f'{head},"object":{encode_basestring(object_id)},"record":{record}}}'.encode()


def append(
    session: AnySession,
    kind: str,
    object_id: str,
    record: Mapping[str, Any],
    at: datetime | None = None,
) -> Leaf:
    """Add a leaf; it is in the log when the caller's transaction is committed, and never was if that rolls back.

    `record` is what JSON can hold (see `canonical`), and becomes public with the leaf's receipt. `at` is a moment with its
    zone, now when it is not given. Returned `index` is None: `receipt` tells it after the commit.
    """
    return append_all(session, [(kind, object_id, record)], at)[0]


def append_all(
    session: AnySession, told: Iterable[tuple[str, str, Mapping[str, Any]]], at: datetime | None = None
) -> list[Leaf]:
    """`append` for several things of one moment, each its kind, its object and its record, in one statement."""
    leaves, rows, at = [], [], at or datetime.now(UTC)
    for kind, object_id, record in told:
        text, nonce = canonical(dict(record)).decode(), secrets.token_bytes(NONCE_BYTES)
        digest = leaf_hash(content(kind, object_id, moment(at), nonce, text))
        leaf = Leaf(id=uuid4(), kind=kind, object_id=object_id, at=at, hash=digest, record=dict(record), nonce=nonce)
        row = {"id": str(leaf.id), "kind": kind, "object_id": object_id, "at": at.isoformat(), "record": text}
        rows.append(row | {"hash": digest.hex(), "nonce": nonce.hex()})
        leaves.append(leaf)
    session.execute(_INSERT, {"leaves": json.dumps(rows, ensure_ascii=False)})
    return leaves


def erase(session: AnySession, leaf_id: UUID, reason: str) -> Leaf:
    """Delete a leaf's text and nonce; its hash, kind, object, time and the reason stay, and a new leaf tells of it.

    The text is gone from the table; PostgreSQL overwrites the old row at its next vacuum, backups keep it as long as they are
    kept. Receipts given before remain true. Raises LookupError, NotErasable.
    """
    leaf = session.get(Leaf, leaf_id, with_for_update=True, populate_existing=True)
    if leaf is None:
        raise LookupError(f"there is no leaf {leaf_id}")
    if leaf.index is None or leaf.erased is not None or leaf.kind.startswith(OWN):
        raise NotErasable
    session.execute(_ERASE, {"id": str(leaf_id), "reason": reason})
    session.refresh(leaf)
    return append(session, ERASED, str(leaf.index), erasure_of(leaf))


def erasure_of(leaf: Leaf) -> dict[str, Any]:
    """What the log tells of an erased leaf: everything that its hash no longer proves."""
    return {
        "kind": leaf.kind,
        "object": leaf.object_id,
        "at": moment(leaf.at),
        "hash": leaf.hash.hex(),
        "reason": leaf.erased,
    }
