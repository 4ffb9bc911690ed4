"""One worker at a time at a run, at a batch of it, and at a place at a host.

A worker that lives but cannot breathe is taken for dead, and its job is given out again. Two would then read one list, each
taking the pages of the other for repetitions; or publish the same items, of which the second could not; or a host would be
asked by one more than it should, as the place of the first counts as free.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_TAKE = text("SELECT pg_try_advisory_lock(hashtextextended('kzopen.harvest.run:' || :what, 0))")
_LEAVE = text("SELECT pg_advisory_unlock_all()")


@contextmanager
def alone(session: Session, *what: str) -> Iterator[bool]:
    """Whether nobody else is at any of these; nobody else will be until the end of the block.

    The locks belong to a connection of its own and go with it, however this ends; at the end of the block at once, as the next
    batch of the same place begins then.
    """
    with session.get_bind().engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            yield all(connection.scalar(_TAKE, {"what": one}) for one in what)
        finally:
            with suppress(DBAPIError):  # a connection that is lost has none
                connection.execute(_LEAVE)
            connection.invalidate()
