"""A worker that dies while it brings the labels of columns to DataStore."""

from __future__ import annotations

from typing import Any

from tests.mortals import make_deadly


def main(app: Any, package: str, point: str) -> None:
    from ckan import model
    from ckanext.kzopen.publishing.settle import bring_labels
    from ckanext.kzopen.rows import dictionary

    make_deadly(dictionary, "show", point == "before")
    with app.test_request_context():
        bring_labels(model.Session(), package)
