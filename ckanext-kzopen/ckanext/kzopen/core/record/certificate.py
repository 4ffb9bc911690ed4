"""The certificate of the record: all that was recorded of some objects until a moment, with its proofs, signed as a whole.

`{"type": "kzopen.record.certificate", "portal", "subject", "until", "content", "leaves", "head", "keys", "at", "key",
"signature"}`: `subject` and `content` are the section's own (title, terms, counts, the sentences of a page or PDF), `leaves`
are receipts without head and keys, each with its inclusion proof in the one head. The verifier checks every hash, proof and
signature. It proves what is in it; that nothing was left out, only a copy of the whole log could.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ckanext.kzopen.core.record import heads, keys, proofs
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.record.log import moment
from ckanext.kzopen.core.record.receipts import told
from ckanext.kzopen.core.record.tables import Head, Leaf
from sqlalchemy import select, tuple_

Object = tuple[str, str]
"""Kind and id of a recorded object."""


def leaves_of(session: AnySession, objects: Iterable[Object], until: datetime) -> list[Leaf]:
    """All leaves of these objects up to a moment (inclusive), in the order of the log."""
    named = tuple_(Leaf.kind, Leaf.object_id).in_(list(objects))
    return list(session.scalars(select(Leaf).where(named, Leaf.at <= until, Leaf.index.is_not(None)).order_by(Leaf.index)))


def certificate(
    session: AnySession,
    ring: Ring,
    objects: Iterable[Object],
    until: datetime,
    *,
    portal: str,
    subject: Mapping[str, Any],
    content: Mapping[str, Any],
) -> dict[str, Any]:
    """The signed certificate; may sign a head, so the caller commits. Raises LookupError when nothing was recorded."""
    leaves = leaves_of(session, objects, until)
    head = _covering(session, ring, leaves)
    paths = proofs.inclusions(session, [leaf.index for leaf in leaves if leaf.index is not None], head.size)
    return keys.sign(
        session,
        ring,
        {
            "type": "kzopen.record.certificate",
            "portal": portal,
            "subject": dict(subject),
            "until": moment(until),
            "content": dict(content),
            "leaves": [told(leaf) | {"proof": [s.hex() for s in path]} for leaf, path in zip(leaves, paths, strict=True)],
            "head": heads.as_dict(head),
            "keys": keys.history(session),
        },
    )


def _covering(session: AnySession, ring: Ring, leaves: list[Leaf]) -> Head:
    """The last head, or a new one when the last leaf came after it."""
    if not leaves:
        raise LookupError("nothing was recorded of these objects")
    head = heads.latest(session)
    if head is None or head.size <= (leaves[-1].index or 0):
        head = heads.make(session, ring)
    assert head is not None  # noqa: S101 - the log has leaves
    return head
