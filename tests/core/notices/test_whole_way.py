"""The whole way: rows come by the API, the worker publishes them, followers are told, a mail server gets the mail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.mail.office import Office
from ckanext.kzopen.core.mail.sending import send_due
from ckanext.kzopen.core.notices import digest, reading, subscriptions
from ckanext.kzopen.publishing import rules
from sqlalchemy import text

from tests.core.mail.conftest import SENDER, Received, office, server, start_server
from tests.publishing.conftest import SCHOOLS, Agency, Api, agency, api, new_agency, other_agency, uri

__all__ = ["agency", "api", "office", "other_agency", "server", "start_server", "uri"]

PATIENCE = 30


@pytest.fixture(autouse=True)
def _context(app: CKANTestApp) -> Iterator[None]:
    """Requests of the API have contexts of their own."""
    yield
    model.Session.remove()


def account(one: Agency) -> str:
    return str(model.User.get(one.user).id)


def told(app: CKANTestApp, package: str) -> dict[tuple[str, str], str]:
    """Who was told which kind of news of a data set, and how; waits until the worker, or this process, has read of it.

    What the outbox still has of other tests' sections, which this portal does not know, is not waited for.
    """
    until = time.monotonic() + PATIENCE
    wanted = """
        SELECT n.reader, w.kind, n.how FROM kzopen.notice n JOIN kzopen.news w ON w.id = n.news
        WHERE w.about = 'package:' || :package
    """
    waiting = """
        SELECT count(*) FROM kzopen.outbox_delivery w JOIN kzopen.outbox o ON o.id = w.outbox_id
        JOIN kzopen.delivery d ON o.key = d.id::text
        WHERE w.consumer = 'notices' AND d.package_id = :package
    """
    with app.flask_app.test_request_context():
        while reading.read(model.Session) or model.Session.execute(text(waiting), {"package": package}).scalar():
            assert time.monotonic() < until
            time.sleep(0.1)
        rows = model.Session.execute(text(wanted), {"package": package}).all()
        model.Session.rollback()
    return {(row.reader, row.kind): row.how for row in rows}


def follow(reader: str, what: str, target: str, how: str, language: str = "ru") -> None:
    subscriptions._follow(model.Session, reader, what, target, how, language, confirmed=True)
    model.Session.commit()


def test_a_new_version_is_told_to_followers_of_the_set_and_of_its_agency(
    app: CKANTestApp, api: Api, agency: Agency, other_agency: Agency, uri: str, server: Received, office: Office
) -> None:
    package, reader = model.Package.get(uri).id, account(other_agency)
    citizen = f"{uri}@example.org"
    follow(reader, "agency", agency.id, "at_once", "kk")
    follow(citizen, "thing", f"package:{package}", "daily")
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    found = told(app, package)
    assert found[reader, "dataset.version"] == "at_once"
    assert found[citizen, "dataset.version"] == "daily"
    assert found[account(agency), "delivery.state"] == "feed"
    with app.flask_app.test_request_context():
        digest.compose_all(model.Session)
        send_due(model.Session, office, SENDER)
    [mail] = server.to(model.User.get(other_agency.user).email)
    plain = mail.get_payload()[0].get_payload(decode=True).decode()
    assert f"/kk/dataset/{uri}" in plain or f"/dataset/{uri}" in plain
    assert "Жолдар саны: 3" in plain
    [daily] = server.to(citizen)
    assert "Перечень школ: опубликована версия 1" in daily.get_payload()[0].get_payload(decode=True).decode()
    assert daily["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_who_may_not_see_a_private_set_is_not_told_of_it(
    app: CKANTestApp, api: Api, agency: Agency, other_agency: Agency, uri: str
) -> None:
    package, outsider = model.Package.get(uri).id, account(other_agency)
    follow(outsider, "agency", agency.id, "at_once")
    follow(f"{uri}@example.org", "section", "opendata", "daily")
    follow(account(agency), "thing", f"package:{package}", "feed")
    with app.flask_app.test_request_context():
        operator = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        tk.get_action("package_patch")({"user": operator, "ignore_auth": True}, {"id": package, "private": True})
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    readers = {reader for reader, _kind in told(app, package)}
    assert readers & {outsider, f"{uri}@example.org", account(agency)} == {account(agency)}


def test_a_refused_delivery_is_told_to_its_sender_alone(
    app: CKANTestApp, api: Api, agency: Agency, other_agency: Agency, uri: str
) -> None:
    package = model.Package.get(uri).id
    follow(account(other_agency), "thing", f"package:{package}", "at_once")
    assert api.delivery(uri, b"bin,name,pupils\n1,x,-5\n")["state"] == "refused"
    assert told(app, package) == {(account(agency), "delivery.state"): "at_once"}


def test_a_delivery_that_waits_is_told_to_those_who_may_approve_it(
    app: CKANTestApp, api: Api, agency: Agency, uri: str
) -> None:
    package = model.Package.get(uri).id
    approver = new_agency(app, "admin")
    person: Any = account(approver)
    with app.flask_app.test_request_context():
        operator = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        member = {"id": agency.id, "object": person, "object_type": "user", "capacity": "admin"}
        tk.get_action("member_create")({"user": operator, "ignore_auth": True}, member)
    rules.set_second_person(model.Session(), agency.id, "people", "tester")
    model.Session.commit()
    delivery = api.delivery(uri, SCHOOLS)
    assert (delivery["state"], delivery["waits_for"]) == ("awaiting_approval", "approval")
    found = told(app, package)
    assert found[person, "delivery.waiting"] == "at_once"
    assert found[account(agency), "delivery.state"] == "feed"


def test_a_delivery_sent_only_to_be_checked_is_told_to_its_sender_alone(
    app: CKANTestApp, api: Api, agency: Agency, uri: str
) -> None:
    package = model.Package.get(uri).id
    assert api.delivery(uri, SCHOOLS, "?check=only")["waits_for"] == "check"
    assert told(app, package) == {(account(agency), "delivery.state"): "feed"}
