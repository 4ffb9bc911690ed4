"""A worker that dies at a chosen point: `python -m tests.publishing.die INI DELIVERY POINT WAY` kills itself with -9 there.

WAY is `staged` for a table that is loaded while it is checked, as large ones are, else `whole`.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any
from uuid import UUID

POINTS = ("file written", "rows prepared", "before the commit", "version committed", "rows switched", "everything committed")


def die_at(point: str, way: str) -> None:
    """Replace the function at the point by one that ends the process, before it or after it."""
    from ckanext.kzopen.publishing import package, process
    from ckanext.kzopen.rows import datastore, store
    from ckanext.kzopen.rows.staging import Staging

    prepared = (datastore, "prepare") if way == "whole" else (Staging, "finished")
    module, name, before = {
        "file written": (store, "write_version", False),
        "rows prepared": (*prepared, False),
        "before the commit": (package, "show_version", True),
        "version committed": (datastore, "switch", True),
        "rows switched": (datastore, "switch", False),
        "everything committed": (process, "settle", True),
    }[point]
    make_deadly(module, name, before)


def make_deadly(module: Any, name: str, before: bool) -> None:
    """Replace a function by one that ends the process with -9, before it or after it."""
    original = getattr(module, name)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if not before:
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, name, deadly)


def main(ini: str, delivery: str, point: str, way: str) -> None:
    from ckan import model
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app
    from ckanext.kzopen.publishing.process import process
    from ckanext.kzopen.publishing.site import configured
    from ckanext.kzopen.validation import pieces

    app = make_app(CKANConfigLoader(ini).get_config())
    die_at(point, way)
    if way == "staged":
        pieces.SMALLEST = 0
    with app._wsgi_app.test_request_context():
        process(model.Session(), configured(), UUID(delivery))


if __name__ == "__main__":
    main(*sys.argv[1:])
