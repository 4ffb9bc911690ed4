"""What the doctor asks of versions and their tables does find what is broken, and falls silent when it is whole again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.datastore.backend.postgres import get_write_engine
from ckanext.kzopen.publishing.settle import datastore_transaction
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.rows import current, datastore, reading, upkeep
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.cli import kzopen_rows
from click.testing import CliRunner

from tests.publishing.conftest import PATIENCE, Api
from tests.publishing.test_large_tables import ONE, TWO, body, table

__all__ = ["table"]


@contextmanager
def database() -> Iterator[psycopg.Connection[Any]]:
    """CKAN's database as the doctor reads it; what is done to it is taken back at the end."""
    model.Session.remove()
    address = model.meta.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def changed(table: tuple[Api, str]) -> str:
    """A table of three versions, of which two are changes laid over the first."""
    api, uri = table
    for change in (ONE, TWO):
        assert api.delivery(uri, body(change), "?mode=upsert")["state"] == "accepted"
    return uri


def findings(connection: psycopg.Connection[Any], uri: str) -> list[str]:
    return [sentence for sentence in upkeep.findings(connection) if f" of {uri}:" in sentence]


@pytest.mark.parametrize(
    ("broken", "sentences"),
    [
        (
            "UPDATE kzopen.version SET change_sha256 = repeat('0', 64) WHERE uri = %s AND number = 2",
            ["version 2 of {}: its SHA-256 is not that of its chain"],
        ),
        (
            "UPDATE kzopen.version SET sha256 = repeat('0', 64) WHERE uri = %s AND number = 2",
            [f"version {number} of {{}}: its SHA-256 is not that of its chain" for number in (2, 3)],
        ),
        (
            "DELETE FROM kzopen.version_file f USING kzopen.version v "
            "WHERE v.package_id = f.package_id AND v.uri = %s AND v.number = 2 AND f.number = 2",
            [f"version {number} of {{}}: no files lead to it" for number in (2, 3)],
        ),
        (
            "DELETE FROM kzopen.version_file f USING kzopen.version v "
            "WHERE v.package_id = f.package_id AND v.uri = %s AND v.number = 1 AND f.number = 1",
            [f"version {number} of {{}}: no files lead to it" for number in (1, 2, 3)],
        ),
    ],
    ids=["checksum of a change", "checksum of a version", "file of a change", "file of the whole table"],
)
def test_what_is_broken_is_found(app: CKANTestApp, changed: str, broken: str, sentences: list[str]) -> None:
    with database() as connection:
        assert findings(connection, changed) == []
        assert connection.execute(broken, [changed]).rowcount == 1

        assert findings(connection, changed) == [sentence.format(changed) for sentence in sentences]

    with database() as connection:
        assert findings(connection, changed) == []


def check() -> str:
    """The last line of `ckan kzopen-rows check`, which the doctor shows."""
    model.Session.remove()
    return CliRunner().invoke(kzopen_rows, ["check"]).output.strip().splitlines()[-1]


@contextmanager
def nobody_fills() -> Iterator[None]:
    """The worker, which looks each minute for tables that wait, leaves them alone."""
    with get_write_engine().connect() as connection:
        until = time.monotonic() + PATIENCE
        while not connection.scalar(current.ONE_AT_A_TIME):
            assert time.monotonic() < until
            time.sleep(0.1)
        try:
            yield
        finally:
            connection.invalidate()


def test_a_table_that_waits_for_its_words_is_told_until_it_has_them(app: CKANTestApp, table: tuple[Api, str]) -> None:
    _api, uri = table
    with app.flask_app.test_request_context():
        version = versions.latest(model.Session(), uri)
        assert version is not None
        resource_id, whole = str(version.resource_id), {"sha256": version.sha256, "schema": version.schema}
        rows = reading.table_of(model.Session(), configured().files_url, version)
        with nobody_fills():
            others = current.without_words()
            assert resource_id not in others
            assert f", {len(others)} waiting for full-text search," in check()
            with datastore_transaction() as connection:
                datastore.load(connection, resource_id, rows, **whole, full_text=False)

            assert set(current.without_words()) == {resource_id, *others}
            assert f", {len(others) + 1} waiting for full-text search," in check()

        until = time.monotonic() + PATIENCE
        while resource_id in current.without_words():  # whoever comes first, the worker or this test
            assert time.monotonic() < until
            current.fill_words()
        assert f", {len(current.without_words())} waiting for full-text search," in check()
        assert uri not in {one.uri for one in current.astray(model.Session())}
