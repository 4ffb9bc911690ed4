"""The worker folds what changes by few rows; what withdraws, dies or reads beside it finds every file that anything names."""

from __future__ import annotations

import io
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any
from uuid import UUID

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.withdrawal import Thing
from ckanext.kzopen.publishing import process, receive
from ckanext.kzopen.publishing.datasets import known_passport
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.rows import deriving, folding, store, withdrawal
from ckanext.kzopen.rows import model as versions

from tests.publishing.conftest import Api
from tests.publishing.test_large_tables import FIRST, ONE, ROWS, TWO, Rows, body, expected, files, read, table

__all__ = ["table"]
FOLDED_WITHIN = 90
"""Seconds on a busy machine; the worker pauses for folding.PAUSE before."""
THREE: Rows = {"00007": ("Жеті", 7)}
MANY = [{code: (name, -n) for code, (name, n) in list(FIRST.items())[first : first + 1_100]} for first in (0, 1_100)]
"""Two changes that together are more than a tenth of the table."""


def test_the_worker_writes_a_table_anew_once_much_of_it_has_changed(app: CKANTestApp, table: tuple[Api, str]) -> None:
    api, uri = table
    for change in MANY:
        api.delivery(uri, body(change), "?mode=upsert")

    until = time.monotonic() + FOLDED_WITHIN
    while (made := files(uri))[-1] != (None, 3, ROWS):
        assert time.monotonic() < until, made
        model.Session.rollback()
        time.sleep(0.2)
    assert made == [(None, 1, ROWS), (1, 2, 1_100), (2, 3, 1_100), (None, 3, ROWS)]
    assert [read(uri, number) for number in (2, 3)] == [expected(MANY[0]), expected(*MANY)]
    with app.flask_app.test_request_context():
        while uri in deriving.missing(model.Session()):
            assert time.monotonic() < until, "no file to count rows in was made"
            model.Session.rollback()
            time.sleep(0.2)


def test_a_file_lies_there_whole_before_anything_names_it(
    app: CKANTestApp, table: tuple[Api, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, uri), add_file, named = table, versions.add_file, list[tuple[int | None, int, bool]]()

    def looked_for(session: Any, package: str, since: int | None, number: int, stored: Any) -> None:
        whole = store.verify(configured().files_url, stored.path, stored.sha256)
        named.append((since, number, whole))
        add_file(session, package, since, number, stored)

    monkeypatch.setattr(versions, "add_file", looked_for)
    monkeypatch.setattr(receive, "defer_check", lambda _session, _delivery: None)
    with app.flask_app.test_request_context():
        for change in (ONE, TWO):
            process.process(model.Session(), configured(), acknowledged(uri, change))
        fold(uri, 1, 3)
        fold(uri, None, 3)

    assert named == [(1, 2, True), (2, 3, True), (1, 3, True), (None, 3, True)]


def acknowledged(uri: str, rows: Rows) -> UUID:
    """The number of a delivery of which no worker was told."""
    session, site = model.Session(), configured()
    sending = receive.Sending("upsert", sender="tester", source="api")
    passport = known_passport(session, uri)
    return receive.deliver(session, site.files_url, passport, sending, io.BytesIO(body(rows)), site.largest).delivery.id


def fold(uri: str, since: int | None, number: int) -> bool:
    """Make one file that leads to a version; whether it stays."""
    session, package = model.Session(), model.Package.get(uri).id
    return folding.make(session, configured().files_url, package, since, number, versions.links(session, package))


def test_a_version_that_is_withdrawn_while_it_is_folded_leaves_no_file(
    app: CKANTestApp, table: tuple[Api, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (api, uri), add_file, withdrawn = table, versions.add_file, list[Future[None]]()
    for change in (ONE, TWO, THREE):
        api.delivery(uri, body(change), "?mode=upsert")
    package = model.Package.get(uri).id
    thing = Thing("version", f"{package}/3", f"{uri}/3", None, {}, True, {"package": package, "number": 3})

    def withdraw() -> None:
        with app.flask_app.test_request_context():
            withdrawal.mark(model.Session(), thing)
            model.Session.commit()
            withdrawal.delete_files(model.Session(), thing)
            model.Session.remove()

    def meanwhile(*given: Any) -> None:
        if not withdrawn:
            withdrawn.append(beside.submit(withdraw))
            wait(withdrawn, timeout=3)  # it may have to wait for the end of the folding
        add_file(*given)

    monkeypatch.setattr(versions, "add_file", meanwhile)
    with ThreadPoolExecutor(1) as beside, app.flask_app.test_request_context():
        fold(uri, 1, 3)
        withdrawn[0].result()
        model.Session.rollback()
        assert withdrawal.has_no_file(model.Session(), thing)

    assert [(since, number) for since, number, _ in files(uri) if 3 in (since, number)] == []
    assert read(uri, 4) == expected(ONE, TWO, THREE)
