"""A receipt looked at by the portal itself, point by point, for people who have no other tool at hand.

It says what the receipt proves and whether the log still agrees with it. Who does not trust the portal uses the verifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ckanext.kzopen.core.record import proofs
from ckanext.kzopen.core.record.canonical import canonical
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.record.hashing import included, leaf_hash
from ckanext.kzopen.core.record.keys import is_signed
from ckanext.kzopen.core.record.log import moment
from ckanext.kzopen.core.record.tables import Key
from sqlalchemy import select

LONGEST = 1_000_000
"""Characters of a receipt that is looked at."""


class NotAReceipt(Exception):
    """This is no receipt of a portal's record, or a part of it is missing."""


@dataclass(frozen=True)
class Point:
    """One thing that was looked at, by its name, and whether it holds."""

    name: str
    holds: bool


def check(session: AnySession, receipt: Any) -> list[Point]:
    """What of a receipt holds; raises NotAReceipt."""
    try:
        if not isinstance(receipt, dict) or receipt["type"] != "kzopen.record.receipt":
            raise NotAReceipt
        return [*_text(receipt), *_proof(session, receipt), Point("log", _in_the_log(session, receipt))]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotAReceipt from error


def _text(receipt: dict[str, Any]) -> Iterator[Point]:
    """The text against its hash; an erased text cannot be compared."""
    if receipt["leaf"] is not None:
        yield Point("text", leaf_hash(canonical(receipt["leaf"])).hex() == receipt["hash"])


def _proof(session: AnySession, receipt: dict[str, Any]) -> Iterator[Point]:
    """The proof and the signature: of the head, or of the promise of the first minute."""
    head = receipt.get("head")
    if head is None:
        promise = receipt["promise"]
        same = (promise["index"], promise["hash"]) == (receipt["index"], receipt["hash"])
        yield Point("promise", same and _is_ours(session, promise))
        return
    proof, root = [bytes.fromhex(step) for step in receipt["proof"]], bytes.fromhex(head["root"])
    yield Point("proof", included(bytes.fromhex(receipt["hash"]), receipt["index"], head["size"], proof, root))
    yield Point("signature", _is_ours(session, head))
    yield Point("head", _agrees(session, head["size"], root))


def _is_ours(session: AnySession, said: dict[str, Any]) -> bool:
    """Whether a key of this portal has signed it, while it was in use."""
    key = session.scalars(select(Key).where(Key.id == str(said["key"]))).one_or_none()
    if key is None or not is_signed(said, bytes(key.public)):
        return False
    return moment(key.since) <= said["at"] and (key.until is None or said["at"] <= moment(key.until))


def _agrees(session: AnySession, size: Any, root: bytes) -> bool:
    """Whether the log still begins with what that head covers."""
    if not isinstance(size, int) or not 1 <= size <= proofs.log_size(session):
        return False
    return proofs.root(session, size) == root


def _in_the_log(session: AnySession, receipt: dict[str, Any]) -> bool:
    index = receipt["index"]
    if not isinstance(index, int) or not 0 <= index < proofs.log_size(session):
        return False
    return proofs.hashes(session, [(index, index + 1)])[0].hex() == receipt["hash"]
