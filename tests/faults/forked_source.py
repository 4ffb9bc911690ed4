"""The agency of the harvests in which workers die, and its source, switched on without a preview."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.forked_worker import NAME


def main(app: Any, settings: str) -> None:
    import ckan.plugins.toolkit as tk
    from ckan import model
    from ckanext.kzopen.publishing.harvest import sources

    with app.test_request_context():
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        free = {"ignore_auth": True, "user": site}
        agency = tk.get_action("organization_create")(free, {"name": NAME})
        given = {"name": NAME, "kind": "json_api", "settings": json.loads(settings), "defaults": {"seconds": 5}}
        operator = model.User.get(site).id
        source = sources.create(model.Session(), operator, agency["id"], given, None)
        source.previewed = source.fingerprint
        sources.switch(model.Session(), operator, source, "switch_on", "", None)
        model.Session.commit()
