"""A worker that kills itself with -9 at a chosen point of a delivery.

The way is `staged` for a table that is loaded while it is checked, as large ones are, else `whole`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.mortals import make_deadly

ONLY_STAGED = "rows taken"
POINTS = ("file written", "rows prepared", "before the commit", "version committed", "rows switched", "everything committed")


def die_at(point: str, way: str) -> None:
    """Replace the function at the point by one that ends the process, before it or after it."""
    from ckanext.kzopen.publishing import package, process
    from ckanext.kzopen.publishing.early import Early
    from ckanext.kzopen.rows import datastore, store
    from ckanext.kzopen.rows.staging import Staging

    prepared = (datastore, "prepare") if way == "whole" else (Staging, "finished")
    module, name, before = {
        ONLY_STAGED: (Early, "take", False),
        "file written": (store.Draft, "keep", False),
        "rows prepared": (*prepared, False),
        "before the commit": (package, "show_version", True),
        "version committed": (datastore, "switch", True),
        "rows switched": (datastore, "switch", False),
        "everything committed": (process, "settle", True),
    }[point]
    make_deadly(module, name, before)


def main(app: Any, delivery: str, point: str, way: str) -> None:
    from ckan import model
    from ckanext.kzopen.publishing.process import process
    from ckanext.kzopen.publishing.site import configured
    from ckanext.kzopen.validation import pieces

    die_at(point, way)
    if way == "staged":
        pieces.SMALLEST = 0
    with app.test_request_context():
        process(model.Session(), configured(), UUID(delivery))
