"""Whose source it is decides who sees it, tries it, runs it; a source publishes for its own agency only."""

from __future__ import annotations

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.publishing.harvest import sources
from ckanext.kzopen.publishing.harvest.model import source_named

from tests.publishing.conftest import Agency, new_agency
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue


def test_another_agency_neither_sees_nor_runs_a_source(harvest: Harvest, catalogue: Catalogue, app: CKANTestApp) -> None:
    harvest.add("json_api", catalogue.settings())
    stranger = Harvest(app, new_agency(app, "admin"), harvest.name)
    for answer in (stranger.get(f"/sources/{harvest.name}"), stranger.post(f"/sources/{harvest.name}/runs", purpose="dry")):
        assert (answer.status_code, answer.json["code"]) == (404, "harvest.unknown_source")
    assert stranger.get("/sources").json == []


def test_a_member_without_the_right_makes_no_source(app: CKANTestApp, catalogue: Catalogue) -> None:
    reader = Harvest(app, new_agency(app, "member"))
    answer = reader.post(
        "/sources", name=reader.name, kind="json_api", agency=reader.agency.name, settings=catalogue.settings()
    )
    assert (answer.status_code, answer.json["code"]) == (403, "web.not_allowed")


def test_a_source_is_not_made_for_another_agency(harvest: Harvest, catalogue: Catalogue, other_agency: Agency) -> None:
    answer = harvest.post(
        "/sources", name=harvest.name, kind="json_api", agency=other_agency.name, settings=catalogue.settings()
    )
    assert (answer.status_code, answer.json["code"]) == (403, "web.not_allowed")


def test_a_source_publishes_for_its_agency_only(
    harvest: Harvest, catalogue: Catalogue, other_agency: Agency, app: CKANTestApp
) -> None:
    harvest.add("json_api", catalogue.settings())
    with app.flask_app.test_request_context():
        actor = sources.actor_of(source_named(model.Session(), harvest.name))
        assert rights.allowed(actor, "publishing.deliver", harvest.agency.id)
        assert not rights.allowed(actor, "publishing.deliver", other_agency.id)
        assert not rights.allowed(actor, "people.see", harvest.agency.id)


def test_secrets_are_kept_encrypted_and_never_told(harvest: Harvest, catalogue: Catalogue, app: CKANTestApp) -> None:
    told = harvest.add("json_api", catalogue.settings(key="a-very-secret-key"))
    assert told["has_secrets"] is True
    assert "a-very-secret-key" not in str(told)
    with app.flask_app.test_request_context():
        source = source_named(model.Session(), harvest.name)
        assert "a-very-secret-key" not in str(source.secrets)
        assert "a-very-secret-key" not in str(source.settings)
    harvest.api.call("PUT", f"/sources/{harvest.name}", json={"settings": catalogue.settings(key=""), "title": "T"})
    assert harvest.get(f"/sources/{harvest.name}").json["has_secrets"] is True


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": "Ы"}, "harvest.bad_name"),
        ({"kind": "gopher"}, "harvest.unknown_kind"),
        ({"settings": {"address": "ftp://x"}}, "harvest.bad_settings"),
        ({"settings": {"address": "http://x", "records": "$["}}, "harvest.bad_settings"),
        ({"defaults": {"category": "nonsense"}}, "harvest.bad_settings"),
        ({"schedule": "every day"}, "harvest.bad_schedule"),
        ({"schedule": "* * * * *"}, "harvest.too_often"),
    ],
)
def test_a_wrong_source_is_told_in_words(harvest: Harvest, catalogue: Catalogue, given: dict[str, object], code: str) -> None:
    body = {"name": harvest.name, "kind": "json_api", "agency": harvest.agency.name, "settings": catalogue.settings()} | given
    answer = harvest.post("/sources", **body)
    assert (answer.status_code, answer.json["code"]) == (422, code)
