"""A new data set and its first table are made in one transaction, or step by step where somebody must decide."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.record.events import events
from ckanext.kzopen.publishing import datasets, first, process, receive, rules
from ckanext.kzopen.publishing.model import Delivery, Passport, passport_of
from ckanext.kzopen.publishing.passport import Passport as Described
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.rows import model as versions
from sqlalchemy import select, text

from tests.mortals import Forge
from tests.publishing.conftest import SCHOOLS, Agency, passport
from tests.publishing.die_in_first import AROUND, POINTS
from tests.publishing.test_deliver import rows_in_datastore

BINS = ["000140000012", "000140000092", "000140000220"]
ONE_TRANSACTION = text(
    "SELECT count(DISTINCT made) FROM (SELECT xmin::text AS made FROM package WHERE id = :package"
    " UNION ALL SELECT xmin::text FROM kzopen.passport WHERE package_id = :package"
    " UNION ALL SELECT xmin::text FROM kzopen.version WHERE package_id = :package"
    " UNION ALL SELECT xmin::text FROM activity WHERE object_id = :package"
    " UNION ALL SELECT v.xmin::text FROM resource_view v JOIN resource r ON r.id = v.resource_id"
    " WHERE r.package_id = :package)"
)


@pytest.fixture
def uri() -> str:
    return f"first-{uuid4().hex[:10]}"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "schools.csv"
    file.write_bytes(SCHOOLS)
    return file


def publish(app: CKANTestApp, agency: Agency, uri: str, file: Path, held: bool = False) -> Delivery | None:
    with app.flask_app.test_request_context():
        session = model.Session()
        new = datasets.prepared(agency.user, uri, Described.model_validate(passport(agency.name)))
        sending = receive.Sending("replace", sender="system:harvest", source="harvest", key="first", held=held)
        ready = first.ready(session, configured(), new, sending, file)
        if ready is None:
            return None
        first.publish(session, configured(), [ready])
        session.commit()
        return session.get_one(Delivery, ready.delivery.id, populate_existing=True)


def test_package_passport_version_activity_and_preview_are_one_transaction(
    app: CKANTestApp, agency: Agency, uri: str, table: Path
) -> None:
    delivery = publish(app, agency, uri, table)

    assert delivery is not None
    assert (delivery.state, delivery.version, delivery.added, delivery.settled is not None) == ("accepted", 1, 3, True)
    package = app.get(f"/api/3/action/package_show?id={uri}").json["result"]
    assert (package["resources"][0]["table_version"], package["resources"][0]["rows"]) == (1, 3)
    assert [row["bin"] for row in rows_in_datastore(app, uri)] == BINS
    session = model.Session()
    assert session.scalar(ONE_TRANSACTION, {"package": package["id"]}) == 1
    of_delivery = [event.verb for event in events(session, kind="delivery", object_id=str(delivery.id))]
    of_dataset = [(event.verb, event.agency) for event in events(session, kind="dataset", object_id=package["id"])]
    assert (of_delivery, of_dataset) == (["create", "check", "accept"], [("create", agency.id)])
    found = app.get(f"/api/3/action/package_search?fq=name:{uri}").json["result"]
    assert [(one["name"], one["num_resources"]) for one in found["results"]] == [(uri, 1)]
    views = app.get(f"/api/3/action/resource_view_list?id={package['resources'][0]['id']}").json["result"]
    assert [view["view_type"] for view in views] == ["datatables_view"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"bin,name,pupils\n000140000012,A,many\n", id="a wrong value"),
        pytest.param(b"bin,name,pupils\n000140000012,+7 701 123 45 67,1\n", id="a telephone"),
        pytest.param(b"", id="no byte"),
        pytest.param(b"bin,name,pupils\n" + b"000140000012,A,1\n" * 70_000, id="a large one"),
    ],
)
def test_what_must_be_refused_or_decided_leaves_nothing(
    app: CKANTestApp, agency: Agency, uri: str, table: Path, body: bytes
) -> None:
    table.write_bytes(body)
    assert publish(app, agency, uri, table) is None
    assert nothing_of(uri)


def test_an_agency_that_wants_a_second_person_gets_nothing_at_once(
    app: CKANTestApp, agency: Agency, uri: str, table: Path
) -> None:
    with app.flask_app.test_request_context():
        rules.set_second_person(model.Session(), agency.id, "all", agency.user)
        model.Session.commit()
    assert publish(app, agency, uri, table) is None
    assert nothing_of(uri)


def test_a_source_whose_tables_are_approved_by_a_person_gets_nothing_at_once(
    app: CKANTestApp, agency: Agency, uri: str, table: Path
) -> None:
    assert publish(app, agency, uri, table, held=True) is None
    assert nothing_of(uri)


@pytest.mark.fault
@pytest.mark.parametrize("point", POINTS)
def test_a_death_leaves_all_or_nothing(
    app: CKANTestApp, mortals: Forge, agency: Agency, uri: str, table: Path, point: str
) -> None:
    mortals.killed("tests.publishing.die_in_first", uri, agency.name, agency.user, str(table), point)
    if point not in AROUND:
        assert nothing_of(uri)
        return

    session = model.Session()
    delivery = session.scalars(select(Delivery).where(Delivery.uri == uri)).one()
    assert (delivery.state, delivery.settled) == ("accepted", None)
    with app.flask_app.test_request_context():
        process.process(model.Session(), configured(), delivery.id)
    assert [row["bin"] for row in rows_in_datastore(app, uri)] == BINS
    again = model.Session().get_one(Delivery, delivery.id)
    assert (again.version, again.settled is not None) == (1, True)
    assert [version.number for version in versions.all_of(model.Session(), uri)] == [1]


def nothing_of(uri: str) -> bool:
    """Neither package, passport, delivery nor version has the name."""
    session = model.Session()
    found = [model.Package.get(uri), passport_of(session, uri)]
    for table in (Delivery, Passport, versions.Version):
        found += session.scalars(select(table).where(table.uri == uri)).all()
    return found == [None, None]
