"""A user, an organisation or a data set is looked up by its name or id once in a transaction.

Answering one request, CKAN asks for the same user seven times, each time by a statement of its own: `get` of these classes
goes by a query, which knows nothing of the objects that the session has already.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from ckan import model
from ckan.model.meta import create_local_session
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, SessionTransaction

Get = Callable[..., Any]

CLASSES: tuple[Any, ...] = (model.User, model.Group, model.Package)
_FOUND = "kzopen_found"
"""In a session's `info`: class, and id or name → what was found in this transaction."""
_FEW = 200
"""Objects of a session that are looked through in less time than a statement takes."""


@cache
def attach() -> None:
    """Once in a process."""
    for one in CLASSES:
        one.get = classmethod(_once(one.get.__func__, ("id", "name")))
    model.User.by_name = classmethod(_once(model.User.by_name.__func__, ("name",)))
    for sessions in (model.Session, create_local_session):
        event.listen(sessions, "after_transaction_end", _forget)


def _once(get: Get, names: tuple[str, ...]) -> Get:
    """CKAN's function, which asks the database only for what this transaction has not found; a lock is always asked for.

    `names` are the columns by which it looks.
    """

    @wraps(get)
    def found(cls: type, reference: str | None, *locks: bool, **options: bool) -> Any:
        if not reference or locks or options:
            return get(cls, reference, *locks, **options)
        session = model.Session()
        before = session.info.setdefault(_FOUND, {})
        known = before.get((cls, reference)) or _signed_in(session, cls, reference)
        if known is None or not _still_so(known, reference, names):
            known = get(cls, reference)
        if known is not None:
            before[cls, known.id] = before[cls, known.name] = known
        return known

    return found


def _signed_in(session: Session, cls: type, reference: str) -> Any:
    """The user whom the session has already, as a rule the one who asks: nobody's name or id ever changes."""
    if cls is not model.User or len(session.identity_map) > _FEW:
        return None
    users = (one for one in session.identity_map.values() if isinstance(one, model.User))
    return next((one for one in users if _still_so(one, reference, ("id", "name"))), None)


def _still_so(known: Any, reference: str, names: tuple[str, ...]) -> bool:
    """Whether the object is in the session, with its values, and has this name or id yet."""
    state = inspect(known)
    return bool(state.persistent and not state.expired and reference in [getattr(known, name) for name in names])


def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:  # each flush, and each savepoint, is one inside
        session.info.pop(_FOUND, None)
