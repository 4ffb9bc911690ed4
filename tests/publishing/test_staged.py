"""Tables that are loaded while they are checked, as large ones are: here every table is large."""

from __future__ import annotations

import io
from uuid import UUID

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import files
from ckanext.kzopen.publishing import process, receive
from ckanext.kzopen.publishing.datasets import known_passport
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.settle import datastore_transaction
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.rows import datastore, store
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.staging import Staging
from ckanext.kzopen.validation import pieces

from tests.publishing.conftest import SCHOOLS, Api
from tests.publishing.test_deliver import CHANGED, rows_in_datastore
from tests.publishing.test_personal import IIN


@pytest.fixture
def finished(app: CKANTestApp, api: Api, uri: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Version 1 is published, whatever is delivered then counts as large; which staged tables were finished."""
    api.delivery(uri, SCHOOLS)
    monkeypatch.setattr(receive, "defer_check", lambda session, delivery: None)
    monkeypatch.setattr(pieces, "SMALLEST", 0)
    monkeypatch.setattr(pieces, "PIECE", 40)
    found: list[str] = []
    original = Staging.finished

    def noted(staged: Staging, sha256: str) -> datastore.Prepared:
        found.append(sha256)
        return original(staged, sha256)

    monkeypatch.setattr(Staging, "finished", noted)
    return found


def deliver(app: CKANTestApp, uri: str, body: bytes) -> Delivery:
    with app.flask_app.test_request_context():
        session, site = model.Session(), configured()
        sending = receive.Sending("replace", sender="tester", source="api")
        passport = known_passport(session, uri)
        number: UUID = receive.deliver(session, site.files_url, passport, sending, io.BytesIO(body), site.largest).delivery.id
        process.process(session, site, number)
    return model.Session().get_one(Delivery, number)


def of_folder(uri: str) -> list[str]:
    """The stored files of the data set's versions, finished or not."""
    files_url = configured().files_url
    return [entry.name for entry in files.of(files_url).listing(f"{store.FOLDER}/{uri}")]


def names(uri: str) -> list[str]:
    """The marks of the resource's tables in DataStore, the hidden one too."""
    current = versions.latest(model.Session(), uri)
    assert current is not None
    with datastore_transaction() as connection:
        return datastore.marks(connection, str(current.resource_id))


def test_a_faultless_table_is_the_current_version_as_soon_as_it_is_accepted(
    app: CKANTestApp, uri: str, finished: list[str]
) -> None:
    delivery = deliver(app, uri, CHANGED)
    assert (delivery.state, delivery.version, delivery.added, delivery.changed, delivery.removed) == ("accepted", 2, 1, 1, 1)
    current = versions.latest(model.Session(), uri)
    assert current is not None
    assert finished == names(uri) == [current.sha256]
    assert len(of_folder(uri)) == 2
    assert store.read_version(configured().files_url, current.path).to_pylist() == [
        {name: value for name, value in row.items() if name != "_id"} for row in rows_in_datastore(app, uri)
    ]
    assert [row["bin"] for row in rows_in_datastore(app, uri)] == ["000140000012", "000140000220", "000140000316"]


def test_a_fault_in_the_last_row_leaves_nothing_of_the_rows_before(app: CKANTestApp, uri: str, finished: list[str]) -> None:
    before = names(uri)
    lines = CHANGED.splitlines(keepends=True)
    delivery = deliver(app, uri, b"".join([*lines, lines[-1]]))
    assert (delivery.state, delivery.wrong) == ("refused", 1)
    assert (finished, names(uri), len(of_folder(uri))) == ([], before, 1)


def test_a_text_that_datastore_cannot_keep_is_refused(app: CKANTestApp, uri: str, finished: list[str]) -> None:
    before = names(uri)
    delivery = deliver(app, uri, CHANGED.replace("Лицей".encode(), "Ли\0цей".encode()))
    assert (delivery.state, delivery.wrong) == ("refused", 1)
    assert (finished, names(uri), len(of_folder(uri))) == ([], before, 1)


def test_a_table_that_cannot_be_read_in_pieces_is_published_all_the_same(
    app: CKANTestApp, uri: str, finished: list[str]
) -> None:
    delivery = deliver(app, uri, CHANGED.replace("Лицей".encode(), '"Лицей\n№ 2"'.encode()))
    assert (delivery.state, finished, len(of_folder(uri))) == ("accepted", [], 2)
    assert [row["name"] for row in rows_in_datastore(app, uri)] == ["№1 мектеп", "Лицей\n№ 2", "Колледж"]


def test_a_table_that_has_to_wait_for_a_person_is_rolled_back(app: CKANTestApp, uri: str, finished: list[str]) -> None:
    before = names(uri)
    delivery = deliver(app, uri, CHANGED.replace("Лицей".encode(), f"ЖСН {IIN[0]}".encode()))
    assert delivery.state == "quarantined"
    assert (finished, names(uri), len(of_folder(uri))) == ([], before, 1)


def test_codes_of_a_reference_table_are_looked_up(app: CKANTestApp, uri: str, finished: list[str]) -> None:
    with app.flask_app.test_request_context():
        passport = known_passport(model.Session(), uri)
        reference = {"fields": "name", "reference": {"resource": "", "fields": "bin"}}
        passport.schema = passport.schema | {"foreignKeys": [reference]}
        model.Session.commit()
    before = names(uri)
    delivery = deliver(app, uri, CHANGED)
    assert (delivery.state, delivery.wrong) == ("refused", 3)
    assert (finished, names(uri), len(of_folder(uri))) == ([], before, 1)
