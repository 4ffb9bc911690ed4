"""What the columns of a published table are called: a change of the passport shows at once, and makes no version."""

from __future__ import annotations

import io
import time
from copy import deepcopy
from typing import Any

import openpyxl
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.jobs.registry import known_task
from ckanext.kzopen.publishing import settle
from ckanext.kzopen.publishing.forms import values_of
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.rows import cli, current
from ckanext.kzopen.rows import model as versions
from click.testing import CliRunner
from psycopg2.errors import LockNotAvailable
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from tests.mortals import Forge
from tests.publishing.conftest import PATIENCE, SCHOOLS, Agency, Api, passport
from tests.publishing.test_staff_pages import Browser, page

FIELDS: list[dict[str, Any]] = passport("")["schema"]["fields"]
LABELS = {"kk": "Оқушы саны", "ru": "Число учеников", "en": "Number of pupils"}
SHOWN = {"label": "Оқушы саны", "label_kk": "Оқушы саны", "label_ru": "Число учеников", "label_en": "Number of pupils"}


@pytest.fixture
def published(api: Api, uri: str) -> str:
    """A table of three columns without labels, version 1."""
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    return uri


def labelled(owner: str, **pupils: Any) -> dict[str, Any]:
    """The passport of schools, with this told of the column `pupils`."""
    fields = deepcopy(FIELDS)
    fields[2] |= pupils
    return passport(owner, fields)


def version_of(uri: str) -> versions.Version:
    model.Session.rollback()
    found = versions.latest(model.Session(), uri)
    assert found is not None
    return found


def told(app: CKANTestApp, uri: str) -> dict[str, Any]:
    """What CKAN's API tells of the column `pupils`."""
    answer = app.get(f"/api/3/action/datastore_info?id={version_of(uri).resource_id}").json["result"]
    return next(field.get("info", {}) for field in answer["fields"] if field["id"] == "pupils")


def soon(app: CKANTestApp, uri: str, wanted: dict[str, Any]) -> None:
    """The worker brings the labels within a moment."""
    until = time.monotonic() + PATIENCE
    while (found := told(app, uri)) != wanted:
        assert time.monotonic() < until, found
        time.sleep(0.1)


def in_datastore(uri: str, command: str) -> None:
    """Something is done to the table past the portal."""
    with settle.datastore_transaction() as connection:
        connection.execute(text(command.format(f'"{version_of(uri).resource_id}"')))


def checked(app: CKANTestApp, uri: str) -> list[str]:
    """What doctor's check says of the data set."""
    with app.flask_app.test_request_context():
        lines = CliRunner().invoke(cli.check, []).output.splitlines()
    return [line.removeprefix(f"{uri}: ") for line in lines if line.startswith(f"{uri}:")]


def test_changed_labels_are_told_without_a_new_version(app: CKANTestApp, api: Api, agency: Agency, published: str) -> None:
    descriptions = {"kk": "Қыркүйектің біріне", "ru": "На первое сентября"}

    api.put(published, labelled(agency.name, title_translated=LABELS, description_translated=descriptions))

    notes = {"notes": "Қыркүйектің біріне", "notes_kk": "Қыркүйектің біріне", "notes_ru": "На первое сентября"}
    soon(app, published, SHOWN | notes)
    assert version_of(published).number == 1
    assert api.get(f"/datasets/{published}").json["schema"]["fields"][2]["title_translated"] == LABELS


def test_labels_that_are_taken_away_are_not_told_any_more(app: CKANTestApp, api: Api, agency: Agency, published: str) -> None:
    api.put(published, labelled(agency.name, title_translated=LABELS))
    soon(app, published, SHOWN)

    api.put(published, passport(agency.name))

    soon(app, published, {})


def test_labels_changed_on_the_page_are_on_the_page_of_the_data_set_and_in_the_template(
    app: CKANTestApp, agency: Agency, published: str
) -> None:
    staff = Browser(app, agency.user)
    form = values_of(labelled(agency.name, title_translated=LABELS))

    answer = staff.post(f"/staff/datasets/{published}/edit", data={"save": "1", **form})

    assert answer.status_code == 302, answer.data
    soon(app, published, SHOWN)
    for language, label in LABELS.items():
        shown = page(app.get(f"/{language}/dataset/{published}"))
        assert any(label in head.get_text() for head in shown.select("table thead")), language
    template = staff.get(f"/ru/staff/datasets/{published}/template.xlsx")
    cells = [str(cell.value) for sheet in openpyxl.load_workbook(io.BytesIO(template.data)) for row in sheet for cell in row]
    assert any(LABELS["ru"] in cell for cell in cells)


def test_a_table_that_is_loaded_anew_keeps_the_labels_of_today(
    app: CKANTestApp, api: Api, agency: Agency, published: str
) -> None:
    api.put(published, labelled(agency.name, title_translated=LABELS))
    soon(app, published, SHOWN)

    current.reload(version_of(published))

    assert told(app, published) == SHOWN


def test_old_labels_are_named_by_doctor_and_mended_by_its_command(
    app: CKANTestApp, api: Api, agency: Agency, published: str
) -> None:
    api.put(published, labelled(agency.name, title_translated=LABELS))
    soon(app, published, SHOWN)
    assert checked(app, published) == []
    in_datastore(published, "COMMENT ON COLUMN {}.pupils IS NULL")

    assert checked(app, published) == ["the DataStore tells the columns otherwise than the passport"]

    with app.flask_app.test_request_context():
        assert CliRunner().invoke(cli.reload, [published]).exit_code == 0
    assert (checked(app, published), told(app, published)) == ([], SHOWN)


def test_labels_that_came_while_a_delivery_was_loaded_follow_when_it_settles(
    app: CKANTestApp, api: Api, agency: Agency, published: str
) -> None:
    api.put(published, labelled(agency.name, title_translated=LABELS))
    soon(app, published, SHOWN)
    in_datastore(published, "COMMENT ON COLUMN {}.pupils IS NULL")  # as the table was prepared before

    with app.flask_app.test_request_context():
        settle.settle(model.Session(), model.Session().get_one(Delivery, version_of(published).delivery_id))

    soon(app, published, SHOWN)


def test_while_words_are_indexed_nobody_waits_for_labels(
    app: CKANTestApp, api: Api, agency: Agency, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckanext.kzopen.publishing.datasets.defer_labels", lambda session, package: None)
    api.put(published, labelled(agency.name, title_translated=LABELS))
    version = version_of(published)
    with settle.datastore_transaction() as other:
        other.execute(text(f'LOCK TABLE "{version.resource_id}" IN SHARE UPDATE EXCLUSIVE MODE'))

        with pytest.raises((LockNotAvailable, OperationalError)):
            settle.bring_labels(model.Session(), version.package_id)

        assert told(app, published) == {}
    model.Session.rollback()
    settle.bring_labels(model.Session(), version.package_id)
    assert told(app, published) == SHOWN


def test_the_worker_tries_to_bring_labels_for_an_hour() -> None:
    retry = known_task(settle.TASK_LABELS).retry

    assert sum(retry.wait(attempt) or 0 for attempt in range(retry.times)) >= 3600


def test_the_check_reads_all_passports_at_once(app: CKANTestApp, api: Api, agency: Agency, published: str) -> None:
    api.put(published, labelled(agency.name, title_translated=LABELS))
    soon(app, published, SHOWN)
    other = f"{published}-too"
    api.put(other, labelled(agency.name))
    assert api.delivery(other, SCHOOLS)["state"] == "accepted"
    for uri in (published, other):
        in_datastore(uri, "COMMENT ON COLUMN {}.pupils IS 'x'")
    statements: list[str] = []
    engine = model.Session().get_bind()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        found = set(current.mislabelled(model.Session()))
    finally:
        event.remove(engine, "before_cursor_execute", note)

    assert {published, other} <= found
    assert len(statements) == 2  # the versions, and the passports


@pytest.mark.fault
@pytest.mark.parametrize("point", ["before", "after"])
def test_labels_come_after_a_worker_has_died_over_them(
    app: CKANTestApp, api: Api, agency: Agency, published: str, mortals: Forge, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setattr("ckanext.kzopen.publishing.datasets.defer_labels", lambda session, package: None)
    api.put(published, labelled(agency.name, title_translated=LABELS))
    package = version_of(published).package_id

    mortals.killed("tests.publishing.die_in_labels", package, point)

    assert told(app, published) == {}
    settle.bring_labels(model.Session(), package)
    assert told(app, published) == SHOWN
