"""What is remembered for saved searches keeps nothing of a withdrawn file, and tells nothing wrong about its withdrawal."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.withdrawal import Thing, Withdrawal
from ckanext.kzopen.search import registry, store, withdrawal
from ckanext.kzopen.search.document import from_solr
from sqlalchemy import text

from tests.search.portal.conftest import thing

SAVED = text(
    """
    INSERT INTO kzopen.subscription (reader, what, target, how, language, confirmed)
    VALUES (:reader, 'search', 'q=zzzz', 'feed', 'kk', now()) RETURNING id
    """
)
BEFORE = text("SELECT fields, due FROM kzopen.search_before WHERE about = :about")


@pytest.fixture(autouse=True)
def saved(pages: CKANTestApp) -> Iterator[int]:
    """A saved search, so that documents are remembered; all is undone at the end, and no other process sees any of it."""
    with pages.flask_app.test_request_context():
        yield model.Session.execute(SAVED, {"reader": f"{uuid.uuid4()}@example.org"}).scalar_one()
        model.Session.rollback()


@pytest.fixture
def package() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def file(package: str) -> Thing:
    return Thing("resource", str(uuid.uuid4()), "list.txt", None, parts={"package": package})


def write(package: str, **fields: Any) -> None:
    store.put(model.Session, from_solr(thing(package, **fields), str(config["ckan.site_id"])))


def tombstone(of: Thing, seconds: int) -> None:
    """Withdrawn this many seconds from now."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    given = {"kind": of.kind, "object_id": of.id, "name": of.name, "title": {}, "reason": {"kk": "ЖСН"}, "law": "7-бап"}
    given |= {"state": "spreading"}
    model.Session.add(Withdrawal(**given, actor="test", public=True, at=at))
    model.Session.flush()


def looked(package: str) -> None:
    """What changed until now has been looked at."""
    model.Session.execute(text("DELETE FROM kzopen.search_before WHERE about = :about"), {"about": f"package:{package}"})


def before(package: str) -> Any:
    return model.Session.execute(BEFORE, {"about": f"package:{package}"}).one()


def test_a_change_after_a_file_was_withdrawn_is_no_trace_of_it(package: str, file: Thing) -> None:
    write(package, title="Мектептер")
    looked(package)
    tombstone(file, -60)
    write(package, title="Барлық мектептер")
    assert before(package).fields
    assert withdrawal.is_not_in_document(model.Session(), file)


def test_a_document_that_is_remembered_with_the_id_of_a_withdrawn_file_is_a_trace_of_it(package: str, file: Thing) -> None:
    write(package, title="Мектептер", res_url=[f"https://data.example.kz/{file.id}"])
    looked(package)
    tombstone(file, -60)
    write(package, title="Барлық мектептер")
    assert not withdrawal.is_not_in_document(model.Session(), file)


def test_a_document_that_is_remembered_from_before_the_withdrawal_may_hold_words_of_the_file(
    package: str, file: Thing
) -> None:
    write(package, title="Мектептер", res_name=["Тізім"])
    looked(package)
    write(package, title="Барлық мектептер")
    tombstone(file, 60)
    assert not withdrawal.is_not_in_document(model.Session(), file)


def test_of_a_withdrawn_file_nothing_is_remembered_and_its_data_set_is_still_looked_at_when_it_is_due(
    package: str, file: Thing
) -> None:
    model.Session.add(model.Package(id=package, name=package, title="Мектептер", type="dataset", state="active"))
    model.Session.flush()
    write(package, title="Мектептер", res_name=["Тізім"])
    looked(package)
    write(package, title="Барлық мектептер", res_name=["Тізім"])
    due = before(package).due
    withdrawal.compute_anew(model.Session(), file)
    now = store.fields_of(model.Session, str(config["ckan.site_id"]), registry.PACKAGE, package)
    assert now is not None
    assert "res_name" not in now["texts"]
    assert before(package).fields == now
    assert before(package).due >= due


def test_of_a_withdrawn_data_set_nobody_is_remembered_as_having_been_told(package: str, saved: int) -> None:
    about = registry.reference(registry.PACKAGE, package)
    told = text("INSERT INTO kzopen.search_told (subscription, about) VALUES (:subscription, :about)")
    write(package, title="Мектептер")
    model.Session.execute(told, {"subscription": saved, "about": about})
    whole = Thing("dataset", package, "schools", None, parts={"package": package})
    withdrawal.compute_anew(model.Session(), whole)
    left = text(
        """
        SELECT (SELECT count(*) FROM kzopen.search_before WHERE about = :about)
            + (SELECT count(*) FROM kzopen.search_told WHERE about = :about)
        """
    )
    assert model.Session.execute(left, {"about": about}).scalar() == 0
    assert withdrawal.is_not_in_document(model.Session(), whole)
