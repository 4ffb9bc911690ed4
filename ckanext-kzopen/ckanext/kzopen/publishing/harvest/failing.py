"""What goes wrong with an item, or with a list, in the words of `errors.yaml`.

Whatever a kind's code raises, and whatever reads what it fetched, fails that item alone. What the machine lacks passes and is
nobody's fault: room on a disk, the database, the server of the stored files. That is raised again, and the job is tried later.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import psycopg2
from ckanext.kzopen.core import files
from ckanext.kzopen.core.web import no_room
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.describing import cleaned
from ckanext.kzopen.publishing.harvest.model import Item
from ckanext.kzopen.publishing.harvest.patience import waiting_time
from redis import ConnectionError as ValkeyAway
from redis import TimeoutError as ValkeySilent
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

TRIES = 3
ITEM, LIST = "harvest.odd_item", "harvest.odd_list"
PASSING = ("08", "40", "53", "55", "57", "58")
"""Classes of PostgreSQL's codes: no connection, a deadlock, no room or memory, a lock that is held, a server that stops, a
broken disk (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
PANIC = "PanicException"
"""What libraries in Rust raise when they fail; each has a class of its own, and it is no `Exception`."""
KEPT = ("delivery_id", "uri", "differences")
"""What an item has come to know before it failed."""


def told(error: BaseException, code: str) -> KzError:
    """The error as it is told of an item or a list (`code`): itself, harvest.database, or `code` with its trace in the log.

    Raises it again when it passes, or is an order to the process.
    """
    if isinstance(error, KzError):
        return error
    if passes(error) or not (isinstance(error, Exception) or type(error).__name__ == PANIC):
        raise error
    if isinstance(error, DBAPIError):
        return KzError("harvest.database", problem=type(error.orig).__name__)
    log.error("a source or its kind is not as expected", exc_info=error)
    return KzError(code, problem=f"{type(error).__name__}: {cleaned(error, 200)}")


def passes(error: BaseException) -> bool:
    """Whether the machine is at fault and will not be for ever: a full disk, a connection that was lost, a lock."""
    if no_room.is_no_room(error) or files.is_away(error):
        return True
    found = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(found, psycopg.Error | psycopg2.Error):
        code = no_room.code_of(found)
        lost = (psycopg.OperationalError, psycopg.InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError)
        return code.startswith(PASSING) if code else isinstance(found, lost)
    return isinstance(error, PendingRollbackError | ValkeyAway | ValkeySilent)


def note(session: Session, key: tuple[UUID, str], item: Item, error: KzError, *, temporary: bool = False) -> None:
    """Roll back and note the error on the item; one that may pass is tried again later, at most TRIES times. Commits."""
    known: dict[str, Any] = {name: value for name, value in vars(item).items() if name in KEPT}  # asks no broken transaction
    session.rollback()
    row = session.get_one(Item, key, with_for_update=True)
    if row.outcome is not None:
        session.commit()
        return  # the run was given up or cancelled meanwhile, and it is settled why
    row.attempts += 1
    row.error, row.error_params = error.code, error.params
    for name, value in known.items():
        setattr(row, name, value)
    if temporary and row.attempts < TRIES:
        row.next_try = datetime.now(UTC) + timedelta(seconds=waiting_time(row.attempts, error))
    else:
        row.outcome, row.finished = "failed", datetime.now(UTC)
    session.commit()
