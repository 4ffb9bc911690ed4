"""Attach to CKAN's database sessions what `changes.py` knows, and wait after a commit until the index has followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import ckan.model as model
from ckan.common import config
from ckan.model.meta import create_local_session
from ckanext.kzopen.search import changes, recompute, waiting
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

_COMMITTED = "kzopen_search_committed"


@cache
def attach() -> None:
    """Once in a process. Listeners stay when the plugin is unloaded and then do nothing, see `seams.active`."""
    for sessions in (model.Session, create_local_session):
        event.listen(sessions, "after_flush", _after_flush)
        event.listen(sessions, "before_commit", _before_commit)
        event.listen(sessions, "after_soft_rollback", _after_soft_rollback)
        event.listen(sessions, "after_commit", _after_commit)
        event.listen(sessions, "after_transaction_end", _after_transaction_end)


def _active() -> bool:
    from ckanext.kzopen.search import seams

    return seams.active()


def _after_flush(session: Session, _context: Any) -> None:
    if _active():
        changes.collect(session)


def _before_commit(session: Session) -> None:
    """Also fires for savepoints, which `package_update` uses: only the root commit counts."""
    if _active() and not session.in_nested_transaction():
        session.flush()
        changes.tell(session)


def _after_soft_rollback(session: Session, previous: SessionTransaction) -> None:
    if previous.nested:
        changes.savepoint_undone(session)
    else:
        changes.taken(session)


def _after_commit(session: Session) -> None:
    if _active() and not session.in_nested_transaction():
        session.info[_COMMITTED] = changes.taken(session)


def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    """The session's own connection is back in the pool now, so waiting holds none."""
    if transaction.parent is not None:
        return
    changes.taken(session)  # of a transaction that was closed without commit or rollback
    done: changes.Changes | None = session.info.pop(_COMMITTED, None)
    if done is None or not (done.rows or done.stale_rows):
        return
    left = changes.left_by(session)
    if left is None:
        follow(done)
    else:
        left.rows.extend(done.rows)
        left.stale_rows.extend(done.stale_rows)


@contextmanager
def followed_at_the_end(session: Any) -> Iterator[None]:
    """Commits inside do not wait for the index, the end of the block does; not even that inside of `changes.unhurried`."""
    if changes.left_by(session) is not None:
        yield
        return
    with changes.unhurried(session) as left:
        yield
    if left.rows or left.stale_rows:
        follow(left)


def follow(done: changes.Changes) -> None:
    """Compute anew what became stale, and wait until the index has everything, at most `kzopen.search_wait` seconds in all."""
    seconds = float(config.get("kzopen.search_wait") or 0)
    rows = [*done.rows, *recompute.soon(done.stale_rows, seconds)]
    if seconds > 0 and rows:
        waiting.acknowledgements(model.meta.engine).wait(rows, seconds)
