"""A worker that dies while it makes a data set with its first table: `… die_in_first INI URI AGENCY USER FILE POINT`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.publishing.die import make_deadly

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


def main(ini: str, uri: str, agency: str, user: str, file: str, point: str) -> None:
    from ckan import model
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app
    from ckanext.kzopen.publishing import datasets, first, receive
    from ckanext.kzopen.publishing.passport import Passport
    from ckanext.kzopen.publishing.site import configured

    from tests.publishing.conftest import passport

    app = make_app(CKANConfigLoader(ini).get_config())
    die_at(point)
    with app._wsgi_app.test_request_context():
        new = datasets.prepared(user, uri, Passport.model_validate(passport(agency)))
        sending = receive.Sending("replace", sender=user, source="harvest", key="first")
        first.publish(model.Session(), configured(), new, sending, Path(file), lambda passport: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
