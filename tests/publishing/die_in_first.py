"""A worker that dies while it makes a data set with its first table."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.mortals import make_deadly

AROUND = ("version committed", "rows committed")
POINTS = ("file written", "rows prepared", "before the commit", *AROUND)


def die_at(point: str) -> None:
    """Let the process end at the point, before or after a function."""
    from ckanext.kzopen.publishing import first
    from ckanext.kzopen.rows import newborn, store

    if point in AROUND:
        first.datastore_transaction = deadly_transaction(first.datastore_transaction, point)
        return
    module, name = {
        "file written": (store, "write_version"),
        "rows prepared": (newborn, "create"),
        "before the commit": (first, "create_preview"),
    }[point]
    make_deadly(module, name, before=False)


def deadly_transaction(original: Any, point: str) -> Any:
    """DataStore's transaction, in whose end the process dies: before its commit, or after it."""

    @contextmanager
    def dying() -> Iterator[Any]:
        with original() as connection:
            yield connection
            if point == AROUND[0]:
                os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    return dying


def main(app: Any, uri: str, agency: str, user: str, file: str, point: str) -> None:
    from ckan import model
    from ckanext.kzopen.publishing import datasets, first, receive
    from ckanext.kzopen.publishing.passport import Passport
    from ckanext.kzopen.publishing.site import configured

    from tests.publishing.conftest import passport

    die_at(point)
    with app.test_request_context():
        new = datasets.prepared(user, uri, Passport.model_validate(passport(agency)))
        sending = receive.Sending("replace", sender=user, source="harvest", key="first")
        ready = first.ready(model.Session(), configured(), new, sending, Path(file))
        assert ready is not None
        first.publish(model.Session(), configured(), [ready])
