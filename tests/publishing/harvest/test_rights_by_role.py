"""A source with a run that waits for a decision, and everybody who may or may not touch them: API and staff's pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people.assignments.change import assign

from tests.publishing.conftest import new_agency
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue, serving
from tests.publishing.test_staff_pages import Browser
from tests.security.world import ROLES

SEE, CHANGE, RUN = "see", "change", "run"
CALLS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (SEE, "GET", "/sources/{name}", {}),
    (SEE, "GET", "/runs/{run}", {}),
    (SEE, "GET", "/runs/{run}/items", {}),
    (CHANGE, "PUT", "/sources/{name}", {"title": "Taken over"}),
    (CHANGE, "POST", "/sources/{name}/runs", {"purpose": "dry"}),
    (RUN, "POST", "/sources/{name}/runs", {"purpose": "harvest"}),
    (RUN, "POST", "/sources/{name}/pause", {}),
    (RUN, "POST", "/sources/{name}/close", {"reason": "x"}),
    (RUN, "POST", "/runs/{run}/retry", {}),
    (RUN, "POST", "/runs/{run}/confirm_removals", {"reason": "x"}),
    (RUN, "POST", "/runs/{run}/keep_all", {"reason": "x"}),
    (RUN, "POST", "/runs/{run}/cancel", {"reason": "x"}),
)
PAGES: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    (SEE, "GET", "/staff/harvest/{name}", {}),
    (SEE, "GET", "/staff/harvest/runs/{run}", {}),
    (CHANGE, "GET", "/staff/harvest/{name}/edit", {}),
    (CHANGE, "POST", "/staff/harvest/{name}/edit", {"title": "Taken over"}),
    (CHANGE, "POST", "/staff/harvest/{name}/runs", {"purpose": "dry"}),
    (RUN, "POST", "/staff/harvest/{name}/state", {"way": "pause"}),
    (RUN, "POST", "/staff/harvest/{name}/runs", {"purpose": "harvest"}),
    (RUN, "POST", "/staff/harvest/runs/{run}/decision", {"way": "confirm_removals", "reason": "x"}),
    (RUN, "POST", "/staff/harvest/runs/{run}/again", {}),
)
MAY = {
    "citizen": set[str](),
    "other_author": set[str](),
    "other_approver": set[str](),
    "other_administrator": set[str](),
    "author": {SEE, CHANGE},
    "approver": {SEE, RUN},
}


@pytest.fixture(scope="module")
def catalogue() -> Iterator[Catalogue]:
    with serving(Catalogue()) as found:
        yield found


@pytest.fixture(scope="module")
def harvest(app: CKANTestApp) -> Harvest:
    return Harvest(app, new_agency(app, "admin"))


@pytest.fixture(scope="module")
def waiting(harvest: Harvest, catalogue: Catalogue) -> str:
    """The number of a run whose removals wait for a person; only the last test decides on it."""
    catalogue.fill(4)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    del catalogue.things["set-000"], catalogue.things["set-001"]
    run = harvest.run()
    assert run["state"] == "awaiting_confirmation"
    return str(run["id"])


def person(app: CKANTestApp, harvest: Harvest, level: str) -> Harvest:
    """Somebody of that level, with the source's name."""
    own, _, role = level.rpartition("_")
    found = new_agency(app, "member")
    if role in ROLES:
        agency = new_agency(app).id if own == "other" else harvest.agency.id
        with app.flask_app.test_request_context():
            user = model.User.get(found.user)
            assert user is not None
            assign(model.Session, user.id, ROLES[role], agency, "system:tests")
            model.Session.commit()
    return Harvest(app, found, harvest.name)


def state(harvest: Harvest, run: str) -> tuple[Any, ...]:
    """What nobody without the right may change: the source with its runs, and the one that waits."""
    return harvest.get(f"/sources/{harvest.name}").json, harvest.get(f"/runs/{run}").json


@pytest.mark.parametrize("level", MAY)
def test_nobody_touches_a_source_or_run_without_the_right(
    app: CKANTestApp, harvest: Harvest, waiting: str, level: str
) -> None:
    somebody, before = person(app, harvest, level), state(harvest, waiting)
    browser = Browser(app, somebody.agency.user)
    for right, method, path, body in CALLS:
        if right not in MAY[level] or right == SEE:
            answer = somebody.api.call(
                method, path.format(name=harvest.name, run=waiting), json=body if method != "GET" else None
            )
            expected = (200,) if right in MAY[level] else (403,) if SEE in MAY[level] else (403, 404)
            assert answer.status_code in expected, (level, method, path, answer.json)
    for right, method, path, form in PAGES:
        if right not in MAY[level] or right == SEE:
            address = "/en" + path.format(name=harvest.name, run=waiting)
            told = (browser.get(address) if method == "GET" else browser.post(address, form)).status_code
            assert (told == 200) if right in MAY[level] else (told in (302, 403, 404)), (level, method, path, told)
    assert state(harvest, waiting) == before


def test_who_may_does(app: CKANTestApp, harvest: Harvest, catalogue: Catalogue, waiting: str) -> None:
    author, approver = person(app, harvest, "author"), person(app, harvest, "approver")
    kept = approver.post(f"/runs/{waiting}/keep_all", reason="The source is broken")
    assert kept.status_code == 200
    assert harvest.ended(waiting)["removed"] == 0
    told = {"title": "Anew", "settings": catalogue.settings()}
    assert author.api.call("PUT", f"/sources/{harvest.name}", json=told).status_code == 200
    assert harvest.get(f"/sources/{harvest.name}").json["title"] == "Anew"
