"""When a token of the API was last used is kept to the minute.

CKAN writes it with a commit of its own at each request: for one that only reads, the wait for the disk is a fifth of its time,
and even a commit of nothing ends the transaction in which the token's owner is read next.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from ckan import model
from sqlalchemy import event

EXACTNESS = timedelta(minutes=1)


@cache
def attach() -> None:
    """Once in a process."""
    event.listen(model.ApiToken.last_access, "set", _kept, retval=True)
    model.ApiToken.touch = _touch


def _kept(_token: model.ApiToken, new: Any, old: Any, _initiator: Any) -> Any:
    """The old moment while it is near enough: a column that does not change is not written."""
    near = isinstance(new, datetime) and isinstance(old, datetime) and timedelta(0) <= new - old < EXACTNESS
    return old if near else new


def _touch(token: model.ApiToken, commit: bool = False) -> None:
    """As CKAN's, which commits even what did not change."""
    token.last_access = datetime.now(UTC).replace(tzinfo=None)
    if commit and model.Session.is_modified(token):
        model.Session.commit()
