"""A purged data set takes its table along, whatever happens to the table's rights at that moment."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.datastore.backend.postgres import get_read_engine
from ckanext.kzopen.rows import datastore
from psycopg2 import InternalError

from tests.publishing.conftest import SCHOOLS, Api


def test_a_right_that_is_granted_at_that_moment_stops_no_purge(
    app: CKANTestApp, api: Api, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    resource = str(model.Package.get(uri).resources[0].id)
    drop, tried = datastore.drop, []

    def at_first_not(connection: Any, resource_id: str) -> None:
        tried.append(resource_id)
        if len(tried) == 1:
            raise InternalError("tuple concurrently updated")
        drop(connection, resource_id)

    monkeypatch.setattr(datastore, "drop", at_first_not)
    with app.flask_app.test_request_context():
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        tk.get_action("dataset_purge")({"ignore_auth": True, "user": site}, {"id": uri})

    assert tried == [resource, resource]
    with get_read_engine().connect() as connection:
        assert datastore.mark(connection, resource) is None
