"""The portal's own figures are a data set of the portal, published through the publish path as everybody's are."""

from __future__ import annotations

import csv
import io
import time

from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.figures import compute
from ckanext.kzopen.publishing import portal_figures

from tests.publishing.conftest import PATIENCE, SCHOOLS, Api


def test_the_figures_are_published_once_for_each_change(app: CKANTestApp, api: Api, uri: str) -> None:
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    with app.flask_app.test_request_context():
        compute.keep_latest(model.Session())
        delivery = portal_figures.publish(model.Session())
        assert delivery is not None
        assert portal_figures.publish(model.Session()) is None
        number = delivery.version
        until = time.monotonic() + PATIENCE
        while delivery.settled is None:
            assert time.monotonic() < until, delivery.state
            time.sleep(0.1)
            model.Session.rollback()
            model.Session.refresh(delivery)
        number = delivery.version

    body = app.get(f"/data/{portal_figures.URI}/v{number}.csv?raw=1").data.decode()
    rows = list(csv.DictReader(io.StringIO(body)))
    today = compute.today().isoformat()
    owner = model.Package.get(uri).owner_org
    mine = [row for row in rows if (row["figure"], row["start"], row["agency"]) == ("versions_published", today, owner)]
    assert [(row["title_ru"], row["period"], float(row["value"])) for row in mine] == [
        ("Опубликованные версии таблиц", "day", 1.0)
    ]
    assert mine[0]["agency_name"]
