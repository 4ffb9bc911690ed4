"""New data sets with the first versions of their tables in one transaction, for those who bring many with small tables.

It does what `datasets.save` and `process.process` do after one another, writing each package once instead of twice and
committing once instead of nine times each. What has to be refused, or to wait for a person or a moment, is left to them.

A death before the commit leaves files that nothing names; they are tidied away. A death after it leaves deliveries that are
accepted and not settled, which `process.process` brings to their end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ckan import logic, model
from ckanext.kzopen.core import lookups, states
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import accept, datasets, inbox, package, process, receive, rules
from ckanext.kzopen.publishing.datasets import New
from ckanext.kzopen.publishing.made import Made, accepted, keep
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.receive import Sending
from ckanext.kzopen.publishing.refusal import Refused
from ckanext.kzopen.publishing.settle import create_preview, datastore_transaction
from ckanext.kzopen.publishing.site import Site
from sqlalchemy import update
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    import pyarrow as pa
    from ckanext.kzopen.validation.check import Checked

SMALL = 1 << 20
"""Bytes of a body up to which one transaction is worth it: a large table would keep it open for long."""
CELLS = 20_000
"""Values of a table up to which its rows go to DataStore in the text of a statement; a small file may unpack to millions."""
INDEXED = "kzopen_indexed_at_once"
"""In the context of CKAN's action: the search document is made in its transaction, which the caller commits."""


@dataclass(frozen=True)
class Ready:
    """A new data set whose table was checked: nothing but the stored bytes of its delivery is there yet."""

    new: New
    delivery: Delivery
    checked: Checked
    stored: inbox.Received

    @property
    def table(self) -> pa.Table:
        assert self.checked.table is not None  # noqa: S101 - refused before
        return self.checked.table


def ready(session: Session, site: Site, new: New, sending: Sending, file: Path) -> Ready | None:
    """The table in `file` on its way to `publish`; None, with nothing stored, when it has to go step by step."""
    if sending.waits_for or sending.publish_at or not 0 < file.stat().st_size <= SMALL:
        return None
    number = uuid4()
    with file.open("rb") as stream:
        stored = inbox.receive(site.files_url, number, stream, SMALL)
    delivery = receive.row_of(new.passport, sending, number, stored)
    checked = _free(session, site, new, sending, delivery, stored)
    if checked is None:
        inbox.discard(site.files_url, stored)
        return None
    return Ready(new, delivery, checked, stored)


def _free(
    session: Session, site: Site, new: New, sending: Sending, delivery: Delivery, stored: inbox.Received
) -> Checked | None:
    """The table when nothing stands against it; it is only looked at."""
    try:
        receive.check_sending(sending, new.passport)
        receive.check_body(site.files_url, sending, stored)
        checked: Checked = process.sound(session, site, delivery, new.passport, set())
        if checked.table is None or checked.table.num_rows * checked.table.num_columns > CELLS:
            return None
        if process.stops_of(session, site, delivery, new.passport, checked):
            return None
    except (KzError, Refused):
        return None
    return None if rules.wants_second_person(session, new.agency, delivery.sender) else checked


def publish(session: Session, site: Site, several: Sequence[Ready]) -> None:
    """Publish new data sets of one sender together; commits. That their deliveries are settled is not committed yet.

    What the session holds already is committed with them. When one of them cannot be published none is: KzError, or an error
    of the database.
    """
    numbers = [one.delivery.id for one in several]
    try:
        _publish(session, site, several)
    except KzError:
        # Not after an error of the database: a commit whose answer got lost may have been made.
        session.rollback()
        give_up(site, several)
        raise
    session.execute(update(Delivery).where(Delivery.id.in_(numbers)).values(settled=datetime.now(UTC)))


def give_up(site: Site, several: Sequence[Ready]) -> None:
    """Throw away the stored bytes of data sets that are not published."""
    for one in several:
        inbox.discard(site.files_url, one.stored)


def _publish(session: Session, site: Site, several: Sequence[Ready]) -> None:
    from ckanext.kzopen.rows import newborn

    made = [accept.made_first(site, one.new.passport, one.table) for one in several]
    with datastore_transaction() as connection:
        for one, its in zip(several, made, strict=True):
            passport = one.new.passport
            newborn.create(connection, passport.resource_id, one.table, sha256=its.sha256, schema=passport.schema)
        _write(session, site, several, made)
        session.commit()


def _write(session: Session, site: Site, several: Sequence[Ready], made: Sequence[Made]) -> None:
    """The data sets with their search documents, the deliveries on their way, the versions, the previews."""
    now, pairs = datetime.now(UTC), list(zip(several, made, strict=True))
    datasets.hold_keywords(session, [one.new.fields for one in several])
    for one in {one.new.agency: one for one in several}.values():
        _hold(session, one)
    datasets.begin(session, [one.new for one in several])
    for one, its in pairs:
        fields = package.create_showing(site, one.new.passport, one.new.fields, its, now)
        datasets.act(session, "package_create", one.new.user, fields, defer_commit=True, **{INDEXED: True})
        context: dict[str, Any] = {"user": package.site_user(), "ignore_auth": True, "defer_commit": True}
        create_preview(one.new.passport, fields, context)
    fields_of = [accepted(one.delivery, one.checked, its, now) for one, its in pairs]
    ways = [("check", process.SYSTEM, [{"checking": now}] * len(pairs)), ("accept", process.SYSTEM, fields_of)]
    states.begin_all(session, "delivery", [one.delivery for one in several], several[0].delivery.sender, ways)
    keep(session, [(one.delivery, one.new.passport, its) for one, its in pairs], now)


def _hold(session: Session, one: Ready) -> None:
    """Let nobody change the agency, which must still be as it was when the table was checked; raises KzError."""
    agency = lookups.hold(session, one.new.agency)
    if agency is None or agency.state != model.State.ACTIVE:
        raise KzError("publishing.unknown_owner", owner=one.new.agency)
    if rules.wants_second_person(session, one.new.agency, one.delivery.sender):
        raise KzError("publishing.own_delivery")


def after_create(context: Mapping[str, Any], package_id: str) -> None:
    """While CKAN's action still runs: make the document, from which CKAN's activity then reads the package."""
    if context.get(INDEXED):
        model.Session.flush()
        logic.index_update_package({"ignore_auth": True}, package_id, True)
