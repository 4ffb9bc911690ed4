"""A worker that dies while it makes a data set with its first table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.mortals import make_deadly

POINTS = ("file written", "rows prepared", "before the commit", "version committed", "rows switched")


def die_at(point: str) -> None:
    """Replace the function at the point by one that ends the process, before it or after it."""
    from ckanext.kzopen.publishing import first
    from ckanext.kzopen.rows import datastore, store

    module, name, before = {
        "file written": (store, "write_version", False),
        "rows prepared": (datastore, "prepare", False),
        "before the commit": (first, "create_preview", False),
        "version committed": (datastore, "switch", True),
        "rows switched": (datastore, "switch", False),
    }[point]
    make_deadly(module, name, before)


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
        first.publish(model.Session(), configured(), new, sending, Path(file), lambda passport: None)
