"""Receipts: what a person takes away, and can check without the portal (`api_clients/verifier`).

A receipt is JSON: `{"type": "kzopen.record.receipt", "number", "portal", "leaf", "index", "hash", "head", "proof", "keys"}`.
`leaf` is what was hashed: `{"at", "kind", "nonce", "object", "record"}`; after an erasure None, with the reason in `erased`.
In the first minute there may be no head yet: then `promise` stands for `head` and `proof`, signed, that one will cover it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ckanext.kzopen.core.record import heads, keys, proofs
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.record.log import moment
from ckanext.kzopen.core.record.tables import Leaf

PROMISE = timedelta(seconds=60)
"""A head that covers a leaf is signed within this time of the leaf's."""


class NotRecorded(Exception):
    """The transaction that adds this leaf is not committed."""


def receipt(session: AnySession, ring: Ring, leaf_id: UUID, portal: str) -> dict[str, Any]:
    """The receipt of a leaf; may sign a head, so the caller commits. `portal` is its address.

    Raises LookupError for an unknown leaf, NotRecorded before its commit.
    """
    leaf = session.get(Leaf, leaf_id, populate_existing=True)
    if leaf is None:
        raise LookupError(f"there is no leaf {leaf_id}")
    return told(leaf) | {"portal": portal} | _proof(session, ring, leaf) | {"keys": keys.history(session)}


def told(leaf: Leaf) -> dict[str, Any]:
    """A leaf with all that is needed to make its hash again."""
    if leaf.index is None:
        raise NotRecorded
    base = {"type": "kzopen.record.receipt", "number": str(leaf.id), "index": leaf.index, "hash": leaf.hash.hex()}
    return base | {"leaf": hashed(leaf)} | ({"erased": leaf.erased} if leaf.erased else {})


def hashed(leaf: Leaf) -> dict[str, Any] | None:
    """The value whose canonical text was hashed; None when the text is erased."""
    if leaf.nonce is None:
        return None
    named = {"at": moment(leaf.at), "kind": leaf.kind, "nonce": leaf.nonce.hex()}
    return named | {"object": leaf.object_id, "record": leaf.record}


def _proof(session: AnySession, ring: Ring, leaf: Leaf) -> dict[str, Any]:
    assert leaf.index is not None  # noqa: S101 - told() has looked
    head = heads.latest(session)
    if head is None or head.size <= leaf.index:
        if datetime.now(UTC) < leaf.at + PROMISE:
            return {"promise": _promise(session, ring, leaf)}
        head = heads.make(session, ring)
    assert head is not None  # noqa: S101 - the log has this leaf
    proof = proofs.inclusion(session, leaf.index, head.size)
    return {"head": heads.as_dict(head), "proof": [step.hex() for step in proof]}


def _promise(session: AnySession, ring: Ring, leaf: Leaf) -> dict[str, Any]:
    said = {"type": "kzopen.record.promise", "index": leaf.index, "hash": leaf.hash.hex()}
    return keys.sign(session, ring, said | {"until": moment(leaf.at + PROMISE)})
