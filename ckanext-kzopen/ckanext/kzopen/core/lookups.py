"""A user is looked up by name or id once in a transaction, and a data set that the transaction has made by its id not at all.

Answering one request, CKAN asks for the same user up to seven times, each time by a statement of its own: `get` goes by a
query, which knows nothing of the objects that the session has already.

Organisations and data sets are asked for anew, as CKAN does: their rows are read under locks and rights depend on them, and
SQLAlchemy leaves an object that is still known as it was; but an organisation that the transaction holds (`hold`) is not.
A new data set is the exception: until the commit nobody else sees it, or changes it. CKAN asks the session for it by its id,
which lets go of what nobody refers to; so it is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from ckan import model
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, SessionTransaction

Get = Callable[..., Any]

_FOUND = "kzopen_users"
"""In a session's `info`: by what users were asked for in this transaction → the user."""
_HELD = "kzopen_held_groups"
"""In a session's `info`: the organisations that nobody else changes before this transaction ends."""
_MADE = "kzopen_made_packages"
"""In a session's `info`: the data sets that this transaction has made, by id."""
_FEW = 200
"""Objects of a session that are looked through in less time than a statement takes."""


@cache
def attach() -> None:
    """Once in a process."""
    model.User.get = classmethod(_once(model.User.get.__func__, ("id", "name")))
    model.User.by_name = classmethod(_once(model.User.by_name.__func__, ("name",)))
    model.Group.get = classmethod(_or_held(model.Group.get.__func__))
    model.Member.related_packages = _or_made(model.Member.related_packages)
    event.listen(model.Session, "pending_to_persistent", _keep)
    event.listen(model.Session, "after_transaction_end", _forget)


def hold(session: Session, group_id: str) -> model.Group | None:
    """Let nobody change an organisation or group until the transaction ends: it is not looked up before. None when gone."""
    found: model.Group | None = session.get(model.Group, group_id, with_for_update={"read": True}, populate_existing=True)
    if found is not None:
        session.info.setdefault(_HELD, []).append(found)
    return found


def is_made(session: Session, package_id: str) -> bool:
    """Whether this transaction has made the data set, and no savepoint has taken that back."""
    made = session.info.get(_MADE, {}).get(package_id)
    return made is not None and made in session


def _or_made(related: Get) -> Get:
    """CKAN's method, which asks the database before each commit, for a member that is no data set of this transaction's."""

    @wraps(related)
    def found(member: model.Member) -> Any:
        session, number = model.Session(), str(member.table_id)
        return [session.info[_MADE][number]] if is_made(session, number) else related(member)

    return found


def _keep(session: Session, instance: object) -> None:
    if isinstance(instance, model.Package):
        session.info.setdefault(_MADE, {})[instance.id] = instance


def _or_held(get: Get) -> Get:
    """CKAN's function, which asks the database, for what this transaction does not hold."""

    @wraps(get)
    def found(cls: type, reference: Any) -> Any:
        held = model.Session().info.get(_HELD, ())
        return next((one for one in held if reference in (one.id, one.name)), None) or get(cls, reference)

    return found


def _once(get: Get, columns: tuple[str, ...]) -> Get:
    """CKAN's function, which asks the database, by these columns, only for whom this transaction has not found."""

    @wraps(get)
    def found(cls: type, *asked: Any, **options: Any) -> Any:
        if len(asked) != 1 or options or not asked[0]:
            return get(cls, *asked, **options)
        reference, session = asked[0], model.Session()
        before = session.info.setdefault(_FOUND, {})
        known = before.get((reference, columns))
        if known is None or not _still_so(known, reference, columns):
            known = before[reference, columns] = _there(session, reference, columns) or get(cls, reference)
        return known

    return found


def _there(session: Session, reference: str, columns: tuple[str, ...]) -> Any:
    """The user whom the session has already: as a rule the one who asks."""
    if len(session.identity_map) > _FEW:
        return None
    users = (one for one in session.identity_map.values() if isinstance(one, model.User))
    return next((one for one in users if _still_so(one, reference, columns)), None)


def _still_so(known: Any, reference: str, columns: tuple[str, ...]) -> bool:
    """Whether the object is in the session, with the values of its row, and is meant by the reference yet."""
    state = inspect(known)
    fresh = state.persistent and not state.expired and not state.modified
    return bool(fresh and reference in [getattr(known, column) for column in columns])


def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:  # each flush, and each savepoint, is one inside
        session.info.pop(_FOUND, None)
        session.info.pop(_HELD, None)
        session.info.pop(_MADE, None)
