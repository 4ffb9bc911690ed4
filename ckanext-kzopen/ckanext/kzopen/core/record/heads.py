"""Signed heads: what the portal says of its log at a moment, and can never take back.

A head is `{"type": "kzopen.record.head", "size", "root", "at", "key", "signature"}`. It is made while there are new leaves,
kept in the database and noted in the journal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.record.keys import Ring, sign
from ckanext.kzopen.core.record.log import moment
from ckanext.kzopen.core.record.proofs import LogBroken, hashes, log_size
from ckanext.kzopen.core.record.tables import Head
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

TYPE = "kzopen.record.head"


def as_dict(head: Head) -> dict[str, Any]:
    """A head as it is published."""
    said = {"type": TYPE, "size": head.size, "root": head.root.hex(), "at": moment(head.at)}
    return said | {"key": head.key, "signature": head.signature.hex()}


def latest(session: AnySession) -> Head | None:
    return session.scalars(select(Head).order_by(Head.size.desc()).limit(1)).one_or_none()


def newest(session: AnySession, limit: int = 50) -> list[Head]:
    """The last heads, newest first."""
    return list(session.scalars(select(Head).order_by(Head.size.desc()).limit(limit)))


def make(session: AnySession, ring: Ring) -> Head | None:
    """The head of the log as it is now: a new one when leaves came since the last; None for an empty log. Not committed.

    Raises LogBroken when the last head no longer fits the log: the portal does not sign what contradicts it.
    """
    size, last = log_size(session), latest(session)
    if last is not None and last.size == size:
        return last
    if size == 0 and last is None:
        return None
    _refuse_contradiction(session, last, size)
    signed = sign(session, ring, {"type": TYPE, "size": size, "root": hashes(session, [(0, size)])[0].hex()})
    # First the journal: a line whose row is lost in a crash is still true, a row without a line could be deleted unseen.
    ring.journal.note(signed)
    # Two processes may sign the same size; the first one's head stays, both are true.
    session.execute(insert(Head).values(row(signed)).on_conflict_do_nothing())
    return session.scalars(select(Head).where(Head.size == size)).one()


def row(signed: dict[str, Any]) -> dict[str, Any]:
    """The columns of a signed head."""
    root, signature = bytes.fromhex(signed["root"]), bytes.fromhex(signed["signature"])
    at = datetime.fromisoformat(signed["at"])
    return {"size": signed["size"], "root": root, "at": at, "key": signed["key"], "signature": signature}


def _refuse_contradiction(session: AnySession, last: Head | None, size: int) -> None:
    if last is None:
        return
    if last.size > size:
        raise LogBroken(f"a head of {last.size} leaves was signed, the log has {size}")
    if hashes(session, [(0, last.size)])[0] != last.root:
        raise LogBroken(f"the log does not agree with its signed head of {last.size} leaves")
