"""What other sections register is computed, found, rebuilt, checked and repaired like data sets, and never among them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import ckan.model as model
import pytest
from ckan.common import config
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.kzopen.core.agencies.model import Agency, AgencyName
from ckanext.kzopen.search import connection, jobs, organisations, rebuild, registry, store
from ckanext.kzopen.search.engines.base import Search
from ckanext.kzopen.search.tree import All, Term
from sqlalchemy import text

from tests.search.conftest import until

pytestmark = pytest.mark.usefixtures("with_plugins")


@pytest.fixture
def organisation() -> dict[str, Any]:
    return factories.Organization(title=f"Ministry {uuid.uuid4().hex}")


def in_index(organisation: str, **wanted: str) -> bool:
    """Whether the index holds the organisation's document, with these values."""
    filters = (Term("entity_type", "organization"), Term("id", organisation))
    found = connection.reader().search(Search(All(), None, filters)).documents
    return any(all(one.get(name) == value for name, value in wanted.items()) for one in found)


def operator() -> dict[str, Any]:
    return {"user": factories.Sysadmin(password="walnut-harbour-velvet", about="")["name"], "ignore_auth": True}


def test_an_organisation_is_found_when_its_action_has_returned(organisation: dict[str, Any]) -> None:
    assert in_index(organisation["id"], title=organisation["title"], name=organisation["name"])


def test_a_renamed_organisation_is_found_by_its_new_name(organisation: dict[str, Any]) -> None:
    call_action("organization_patch", context=operator(), id=organisation["id"], title="Renamed")
    until(lambda: in_index(organisation["id"], title="Renamed"))


def test_an_organisation_changed_when_its_present_name_began(organisation: dict[str, Any]) -> None:
    def changed() -> datetime:
        model.Session.flush()
        told = organisations.SECTION.source(model.Session, organisation["id"])
        assert told is not None
        return told["metadata_modified"]

    model.Group.get(organisation["id"]).created = datetime(2020, 1, 1)
    assert changed() == datetime(2020, 1, 1)
    for since in (date(2025, 3, 1), date(2999, 1, 1)):
        model.Session.add(AgencyName(agency=organisation["id"], since=since, name_kk="Жаңа"))
    assert changed() == datetime(2025, 2, 28, 19)  # midnight in Astana
    model.Session.get_one(Agency, organisation["id"]).handed_over = datetime(2025, 4, 1, tzinfo=UTC)
    assert changed() == datetime(2025, 4, 1)
    model.Session.rollback()


def test_a_deleted_organisation_is_found_no_more(organisation: dict[str, Any]) -> None:
    call_action("organization_delete", context=operator(), id=organisation["id"])
    until(lambda: not in_index(organisation["id"]))


def test_data_sets_of_ckan_are_data_sets_only(organisation: dict[str, Any]) -> None:
    found = call_action("package_search", q=f'title:"{organisation["title"]}"', rows=10)
    assert (found["count"], found["results"]) == (0, [])


def drop(organisation: str) -> None:
    """Lose the document, as raw SQL may."""
    with model.meta.engine.begin() as database:
        database.execute(text("DELETE FROM kzopen.search_document WHERE entity_id = :id"), {"id": organisation})


def test_a_lost_document_is_noticed_and_repaired(organisation: dict[str, Any]) -> None:
    drop(organisation["id"])
    found = rebuild.full_check()
    assert f"organization:{organisation['id']}" in found.things_without_document
    rebuild.repair(found)
    assert f"organization:{organisation['id']}" not in rebuild.full_check(recompute_all=True).things_without_document
    until(lambda: in_index(organisation["id"]))


def test_a_lost_document_comes_back_by_itself(organisation: dict[str, Any]) -> None:
    drop(organisation["id"])
    jobs.keep_up()
    until(lambda: f"organization:{organisation['id']}" in store.references(model.Session, site()), 60)


def site() -> str:
    return str(config["ckan.site_id"])


def test_a_document_that_would_come_out_differently_is_noticed_and_repaired(organisation: dict[str, Any]) -> None:
    with model.meta.engine.begin() as database:
        database.execute(text("UPDATE \"group\" SET title = 'Behind' WHERE id = :id"), {"id": organisation["id"]})
    found = rebuild.full_check(recompute_all=True)
    noticed = f"organization:{organisation['id']}" in found.stale_things
    assert noticed or in_index(organisation["id"], title="Behind")  # the portal's own look may have been sooner
    rebuild.repair(found)
    until(lambda: in_index(organisation["id"], title="Behind"))


@pytest.fixture
def another_section() -> Iterator[None]:
    """A section that has been and is no more."""
    section = registry.Section(
        "passing",
        {"kk": "Өткінші", "ru": "Преходящие", "en": "Passing"},
        page=lambda stored: "/",
        ids=lambda session: ["one"],
        source=lambda session, found: {"title": "Passing", "permission_labels": ["public"]},
    )
    registry.register(section)
    rebuild.repair(rebuild.full_check())
    yield
    registry.forget("passing")


def test_documents_of_a_section_that_is_gone_are_removed(another_section: None) -> None:
    assert rebuild.full_check().things_without_document == ()
    registry.forget("passing")
    found = rebuild.full_check()
    assert "passing:one" in found.documents_without_thing
    rebuild.repair(found)
    assert "passing:one" not in rebuild.full_check().documents_without_thing
