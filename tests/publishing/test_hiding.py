"""A data set is closed for the public for a time, with a reason, and opened again: nothing is lost."""

from __future__ import annotations

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import record

from tests.publishing.conftest import SCHOOLS, Agency, Api, new_agency
from tests.publishing.test_decisions import colleague
from tests.publishing.test_staff_pages import Browser, page

REASON = "Қате деректер тексерілуде"


@pytest.fixture
def approver(app: CKANTestApp, agency: Agency) -> Browser:
    """An approver of the agency, who is nothing else."""
    colleague(app, agency, "approver")
    return Browser(app, f"{agency.name}-approver")


def test_an_approver_closes_and_opens_a_data_set(app: CKANTestApp, api: Api, uri: str, approver: Browser) -> None:
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    shown = page(approver.get(f"/kk/staff/datasets/{uri}"))
    assert "Жалпы қолжетімділікті жабу" in shown.text
    for public, status in (("no", 404), ("yes", 200)):
        answer = approver.post(f"/staff/datasets/{uri}/public", {"public": public, "reason": REASON})
        assert answer.status_code == 302
        for address in (f"/data/{uri}.csv", f"/dataset/{uri}", f"/api/universal/v1/datasets/{uri}"):
            assert app.get(address, expect_errors=True).status_code in ((status,) if public == "yes" else (status, 403)), (
                address
            )
        found = app.get(f"/api/3/action/package_search?fq=name:{uri}").json["result"]["count"]
        assert found == int(public == "yes")
        assert api.get(f"/datasets/{uri}").json["version"]["number"] == 1
    package = model.Package.get(uri)
    assert package is not None
    for verb in ("close_to_public", "open_to_public"):
        (event,) = record.events(model.Session, kind="dataset", object_id=package.id, verb=verb)
        assert event.reason == REASON


def test_it_needs_a_reason_and_the_right(app: CKANTestApp, api: Api, uri: str, approver: Browser, agency: Agency) -> None:
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    approver.post(f"/staff/datasets/{uri}/public", {"public": "no", "reason": " "})
    Browser(app, new_agency(app).user).post(f"/staff/datasets/{uri}/public", {"public": "no", "reason": REASON})
    assert app.get(f"/data/{uri}.csv").status_code == 200
