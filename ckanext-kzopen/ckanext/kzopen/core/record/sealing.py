"""Seals of the event log: leaves of the public record over the lines of events, so that an edited or deleted one is found.

An event is sealed within a minute of its commit, by a leaf `{"ids": "{[1,5),[7,9)}", "count", "sha256"}`: the hash over the
SHA-256 of each line (`events.line_of`), in the order of their numbers. Numbers are given before the commit, so a smaller one
may become visible later: it comes into a later seal. The database keeps a list of what waits (`event_unsealed`, migration
0009), so nobody waits for a seal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ckanext.kzopen.core.record.events import AnySession, line_of
from ckanext.kzopen.core.record.log import OWN, append
from ckanext.kzopen.core.record.model import Event
from sqlalchemy import select, text

SEAL = f"{OWN}events"
"""Kind of the leaf that seals events; its object is the number of the first of them."""
AT_ONCE = 5000
_WAITING = text(
    """
    DELETE FROM kzopen.event_unsealed WHERE id IN (
        SELECT id FROM kzopen.event_unsealed ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
    ) RETURNING id
    """
)


def seal(session: AnySession) -> int:
    """Add a leaf over the events that no seal covers yet, at most AT_ONCE of them; how many. The caller commits."""
    ids = sorted(session.scalars(_WAITING, {"limit": AT_ONCE}))
    if not ids:
        return 0
    query = select(Event).where(Event.id.in_(ids)).order_by(Event.id).execution_options(populate_existing=True)
    told = {"ids": ranges_of(ids), "count": len(ids), "sha256": joined(digest_of(event) for event in session.scalars(query))}
    append(session, SEAL, str(ids[0]), told)
    return len(ids)


def digest_of(event: Event) -> bytes:
    """The SHA-256 of an event's line."""
    return hashlib.sha256(line_of(event).encode()).digest()


def joined(digests: Iterable[bytes]) -> str:
    """The hash that a seal tells, in hex."""
    whole = hashlib.sha256()
    for digest in digests:
        whole.update(digest)
    return whole.hexdigest()


def ranges_of(ids: Sequence[int]) -> str:
    """Numbers in rising order as PostgreSQL's text of an int8multirange: `{[1,5),[7,9)}`."""
    if not ids:
        return "{}"
    breaks = [n for n, (one, two) in enumerate(pairwise(ids), 1) if two != one + 1]
    spans = pairwise([0, *breaks, len(ids)])
    return "{" + ",".join(f"[{ids[start]},{ids[end - 1] + 1})" for start, end in spans) + "}"


def numbers_of(ranges: str) -> list[int]:
    """The numbers that such a text tells."""
    spans = [part.strip("[)") for part in ranges.strip("{}").split("),")] if ranges != "{}" else []
    return [n for span in spans for n in range(*map(int, span.split(",")))]
