"""A new data set with the first version of its table in one transaction, for those who bring many with small tables.

It does what `datasets.save` and `process.process` do after one another, writing the package once instead of twice and
committing once instead of nine times. What has to be refused, or to wait for a person or a moment, is left to them.

A death before the commit leaves files that nothing names; they are tidied away. A death after it leaves a delivery that is
accepted and not settled, which `process.process` brings to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ckan import logic, model
from ckanext.kzopen.core import states
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import accept, datasets, inbox, package, process, receive, rules
from ckanext.kzopen.publishing.datasets import New
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.receive import Sending
from ckanext.kzopen.publishing.refusal import Refused
from ckanext.kzopen.publishing.settle import create_preview, datastore_transaction
from ckanext.kzopen.publishing.site import Site
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from ckanext.kzopen.validation.check import Checked

SMALL = 1 << 20
"""Bytes of a body up to which one transaction is worth it: a large table would keep it open for long."""
INDEXED = "kzopen_indexed_at_once"
"""In the context of CKAN's action: the search document is made in its transaction, which the caller commits."""


def publish(
    session: Session, site: Site, new: New, sending: Sending, file: Path, begun: Callable[[Passport], object]
) -> Delivery | None:
    """The accepted and settled delivery of the table in `file`; None, with nothing written, when it has to go step by step.

    `begun` is as in `datasets.save`. That it is settled is not committed yet.
    """
    if sending.waits_for or sending.publish_at or not 0 < file.stat().st_size <= SMALL:
        return None
    number = uuid4()
    with file.open("rb") as stream:
        stored = inbox.receive(site.files_url, number, stream, SMALL)
    delivery = receive.row_of(new.passport, sending, number, stored)
    try:
        checked = _free(session, site, new, sending, delivery, stored)
        if checked is not None:
            _publish(session, site, new, delivery, checked, begun)
    except KzError:
        session.rollback()
        inbox.discard(site.files_url, stored)
        raise
    if checked is None:
        inbox.discard(site.files_url, stored)
        return None
    delivery.settled = datetime.now(UTC)
    return delivery


def _free(
    session: Session, site: Site, new: New, sending: Sending, delivery: Delivery, stored: inbox.Received
) -> Checked | None:
    """The table when nothing stands against it; it is only looked at."""
    try:
        receive.check_sending(sending, new.passport)
        receive.check_body(site.files_url, sending, stored)
        checked: Checked = process.sound(session, site, delivery, new.passport, set())
        if process.stops_of(session, site, delivery, new.passport, checked):
            return None
    except (KzError, Refused):
        return None
    return None if rules.wants_second_person(session, new.agency, delivery.sender) else checked


def _publish(
    session: Session, site: Site, new: New, delivery: Delivery, checked: Checked, begun: Callable[[Passport], object]
) -> None:
    from ckanext.kzopen.rows import datastore

    table, made = accept.made_whole(session, site, delivery, new.passport, checked, None)
    with datastore_transaction() as connection:
        prepared = datastore.prepare(
            connection, new.passport.resource_id, table, sha256=made.sha256, schema=new.passport.schema
        )
        _write(session, site, new, delivery, checked, made, begun)
        session.commit()
        datastore.switch(connection, prepared)


def _write(
    session: Session,
    site: Site,
    new: New,
    delivery: Delivery,
    checked: Checked,
    made: accept.Made,
    begun: Callable[[Passport], object],
) -> None:
    """The data set with its search document, the delivery on its way, the version, the preview."""
    now, passport = datetime.now(UTC), new.passport
    datasets.begin(session, new, begun=begun)
    fields = package.create_showing(site, passport, new.fields, made, now)
    datasets.act(session, "package_create", new.user, fields, defer_commit=True, **{INDEXED: True})
    states.begin(session, "delivery", delivery, actor=delivery.sender)
    states.change(session, "delivery", delivery, "check", actor=process.SYSTEM, checking=now)
    accept.write(session, delivery, passport, checked, made, now)
    context: dict[str, Any] = {"user": package.site_user(), "ignore_auth": True, "defer_commit": True}
    create_preview(passport, fields, context)


def after_create(context: Mapping[str, Any], package_id: str) -> None:
    """While CKAN's action still runs: make the document, from which CKAN's activity then reads the package."""
    if context.get(INDEXED):
        model.Session.flush()
        logic.index_update_package({"ignore_auth": True}, package_id, True)
