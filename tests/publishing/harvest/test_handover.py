"""The sources of an agency that is liquidated go on in the name of its successor, with what they have published."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.agencies import history
from ckanext.kzopen.publishing.harvest.model import source_named

from tests.publishing.conftest import Agency, Api, new_agency
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Thing, table


def liquidate(app: CKANTestApp, old: Agency, new: Agency) -> dict[str, Any]:
    with app.flask_app.test_request_context():
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        given = {"id": old.id, "successor": new.id, "reason": "Жарлық"}
        told: dict[str, Any] = tk.get_action("agency_liquidate")({"ignore_auth": True, "user": site}, given)
        return told


def test_a_source_goes_on_for_the_successor(harvest: Harvest, catalogue: Catalogue, app: CKANTestApp) -> None:
    catalogue.fill(4)
    harvest.ready("json_api", catalogue.settings(), schedule="30 2 * * *")
    first = harvest.run()
    uri = harvest.items(first)[0]["uri"]
    successor = new_agency(app, "admin")

    assert liquidate(app, harvest.agency, successor)["went"]["harvest_sources"] == 1

    heir = Harvest(app, successor, harvest.name)
    told = heir.get(f"/sources/{harvest.name}").json
    assert (told["agency"], told["state"], told["schedule"]) == (successor.name, "active", "30 2 * * *")
    assert told["next_run"] is not None
    assert heir.get(f"/runs/{first['id']}").json["added"] == 4, "the history goes over too"
    assert harvest.get(f"/sources/{harvest.name}").status_code == 200, "its staff went over as well"

    catalogue.things["set-000"] = Thing(table(7), "2")
    catalogue.fill(1, 4)
    run = heir.run()
    assert counts(run) == {"seen": 5, "added": 1, "changed": 1, "unchanged": 3, "removed": 0, "failed": 0}, heir.items(run)
    assert Api(app).get(f"/datasets/{uri}").json["owner"] == successor.name
    with app.flask_app.test_request_context():
        source = source_named(model.Session(), harvest.name)
        assert source is not None
        before = datetime(2020, 1, 1, tzinfo=UTC)
        assert history.owner_at(model.Session, "harvest_source", str(source.id), successor.id, before) == harvest.agency.id
