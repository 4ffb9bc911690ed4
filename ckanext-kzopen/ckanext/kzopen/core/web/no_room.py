"""A disk without room, told as what it is: the system and PostgreSQL say it in words of their own."""

from __future__ import annotations

import errno
from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy.exc import DBAPIError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space left, a quota that is used up, a file as large as the file system lets it be."""
DISK_FULL = "53100"
"""PostgreSQL's own code (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def is_no_room(error: BaseException) -> bool:
    """Whether this failed because a disk is full, the portal's or its database's."""
    if isinstance(error, DBAPIError):
        return code_of(error.orig) == DISK_FULL
    return isinstance(error, OSError) and error.errno in NO_ROOM


def told(error: BaseException) -> KzError:
    """KzError web.no_room for a disk that is full; any other error is raised again, as if nobody had looked at it."""
    if is_no_room(error):
        return KzError("web.no_room")
    raise error


def code_of(original: Any) -> str:
    """The five characters of an error of PostgreSQL: psycopg 3 and psycopg2 name them differently."""
    return str(getattr(original, "sqlstate", None) or getattr(original, "pgcode", None) or "")
