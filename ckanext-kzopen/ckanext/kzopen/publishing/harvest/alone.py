"""One worker at a time at a run, and at a batch of it.

A worker that lives but cannot breathe is taken for dead, and its job is given out again. Two would then read one list, each
taking the pages of the other for repetitions; or publish the same items, of which the second could not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

_TAKE = text("SELECT pg_try_advisory_lock(hashtextextended('kzopen.harvest.run:' || :what, 0))")


@contextmanager
def alone(session: Session, what: str) -> Iterator[bool]:
    """Whether nobody else is at this run or batch; nobody else will be until the end of the block.

    The lock belongs to a connection of its own and goes with it, however this ends.
    """
    with session.get_bind().engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            yield bool(connection.scalar(_TAKE, {"what": what}))
        finally:
            connection.invalidate()
