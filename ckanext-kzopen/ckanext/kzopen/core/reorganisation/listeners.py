"""Notes which organisations a session of CKAN's changes, and lets their agencies follow before it commits.

Not seen: raw SQL and `engine.begin()`; `jobs.keep_up` finds what these did.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ckan import model
from ckan.model.meta import create_local_session
from ckan.plugins import plugin_loaded
from ckanext.kzopen.core.reorganisation import acting
from ckanext.kzopen.core.reorganisation.following import follow
from sqlalchemy import event
from sqlalchemy.orm import Session

_CHANGED = "kzopen_organisations"


@cache
def attach() -> None:
    """Once in a process; without the plugin the listeners do nothing."""
    for sessions in (model.Session, create_local_session):
        event.listen(sessions, "after_flush", _after_flush)
        event.listen(sessions, "before_commit", _before_commit)
        event.listen(sessions, "after_soft_rollback", _after_soft_rollback)


def _after_flush(session: Session, _context: Any) -> None:
    changed = session.info.setdefault(_CHANGED, set())
    # A data set that comes or goes makes its organisation "dirty" without changing it.
    altered = (instance for instance in session.dirty if session.is_modified(instance, include_collections=False))
    for instance in (*session.new, *altered, *session.deleted):
        if isinstance(instance, model.Group):
            changed.add(instance.id)
        elif isinstance(instance, model.Member) and instance.table_name == "group" and instance.group_id:
            changed.add(instance.group_id)


def _before_commit(session: Session) -> None:
    """Also fires for savepoints: only the commit of everything counts."""
    if session.in_nested_transaction() or not plugin_loaded("kzopen"):
        return
    session.flush()
    changed = session.info.pop(_CHANGED, None)
    if changed:
        follow(session, changed, acting.of_request())
        session.flush()
        session.info.pop(_CHANGED, None)


def _after_soft_rollback(session: Session, previous: Any) -> None:
    """A savepoint that is undone may leave too many names here, which does no harm."""
    if not previous.nested:
        session.info.pop(_CHANGED, None)
