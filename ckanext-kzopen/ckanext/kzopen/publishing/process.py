"""The publish path after the bytes are stored: check, then accept, refuse, or wait for a person.

`process` may be run again at any moment and after any death: it goes on from the state that the last commit left.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ckanext.kzopen.core import states
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal import tombstone
from ckanext.kzopen.publishing import accept, compatibility, decide, inbox, listings, repairs, rules, stops
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.receive import defer_publication
from ckanext.kzopen.publishing.refusal import Refused
from ckanext.kzopen.publishing.settle import settle
from ckanext.kzopen.publishing.site import Site
from ckanext.kzopen.publishing.waiting import is_decided, is_given_up, is_spreading, tell
from ckanext.kzopen.rows import model as versions
from psycopg2 import DataError
from psycopg2.errors import ProgramLimitExceeded
from sqlalchemy.orm import Session

# pyarrow and polars stay out of the web processes, which only defer this work.
if TYPE_CHECKING:
    from ckanext.kzopen.publishing.early import Early
    from ckanext.kzopen.publishing.personal import Search

SYSTEM = "system:publishing"
LEAST_UNPACKED, MOST_TIMES = 128 << 20, 250
"""Bytes to which any packed table may grow, and how many times its size a large one may; real tables shrink 5 to 30 times."""


def process(session: Session, site: Site, delivery_id: UUID) -> None:
    """Take a delivery as far as it can go by itself; commits after each step."""
    delivery = session.get_one(Delivery, delivery_id)
    if delivery.state in ("received", "failed"):
        states.change(session, "delivery", delivery, "check", actor=SYSTEM, checking=_now(), error=None)
        session.commit()
    if delivery.state == "checking" or is_decided(delivery):
        _decide(session, site, delivery)
    if delivery.state == "accepted":
        settle(session, delivery)


def _decide(session: Session, site: Site, delivery: Delivery) -> None:
    passport = session.get(Passport, delivery.package_id)
    if tombstone(session, "dataset", delivery.package_id) is not None:
        fail(session, delivery.id, KzError("publishing.was_withdrawn", uri=delivery.uri), last=True)
        return
    if passport is None:  # the data set was purged meanwhile: to try again would not help
        fail(session, delivery.id, KzError("publishing.unknown_dataset", uri=delivery.uri), last=True)
        return
    if not accept.hold(session, delivery, passport):
        return
    try:
        with _early(session, site, delivery, passport) as early:
            checked = sound(session, site, delivery, passport, repairs.keys(session, delivery), early)
            people = early.people if early and checked.taken else None
            stopped = _stopped if delivery.state == "checking" else _stopped_late
            if not stopped(session, site, delivery, passport, checked, people):
                _accept(session, site, delivery, passport, checked, early)
    except Refused as refusal:
        session.rollback()
        _refuse(session, site, delivery, refusal.report)
    if delivery.state != "accepted":  # of an accepted one there is more to wait for
        tell(session, delivery.id)
    session.commit()


def _accept(session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Any, early: Early | None) -> None:
    """Publish; what DataStore cannot keep (a row too wide for its pages) is refused, since it could not be kept next time."""
    from ckanext.kzopen.publishing.findings import not_kept

    try:
        accept.accept(session, site, delivery, passport, checked, early)
    except (DataError, ProgramLimitExceeded) as error:
        raise Refused(not_kept(checked.report, error)) from error


def _early(session: Session, site: Site, delivery: Delivery, passport: Passport) -> AbstractContextManager[Early | None]:
    """Where the rows of a large table are taken early; None where it is sure that somebody decides on the delivery first, or
    where its rows are joined with those that are there."""
    from ckanext.kzopen.publishing import early

    waits = delivery.waits_for is not None or rules.needs_second_person(session, delivery)
    later = delivery.publish_at is not None and delivery.publish_at > _now()
    if delivery.mode != "replace" or not early.pays(delivery.size) or (delivery.state == "checking" and (waits or later)):
        return nullcontext()
    return early.begun(site, passport)


def _stopped(
    session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Any, people: Search | None
) -> bool:
    """Whether the delivery has to wait: in quarantine, for a person's decision, or for its moment; then its state says so."""
    given = {"report": checked.report.stored(), "rows": checked.report.rows, "wrong": 0, "checked": _now()}
    if found := stops_of(session, site, delivery, passport, checked, people):
        given["stops"] = [stop.stored() for stop in found]
        states.change(session, "delivery", delivery, "quarantine", actor=SYSTEM, **given)
        return True
    if delivery.waits_for is None and rules.needs_second_person(session, delivery):
        given["waits_for"] = "approval"
    if given.get("waits_for") or delivery.waits_for:
        states.change(session, "delivery", delivery, "hold", actor=SYSTEM, **given)
        return True
    if delivery.publish_at is not None and delivery.publish_at > _now():
        states.change(session, "delivery", delivery, "plan", actor=SYSTEM, **given)
        defer_publication(session, delivery)
        return True
    return False


def _stopped_late(
    session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Any, people: Search | None
) -> bool:
    """Whether a delivery that was decided on has to be looked at again: the table has changed since, and a stop would hold
    it now that nobody saw then."""
    found = stops_of(session, site, delivery, passport, checked, people)
    if all(stops.is_covered(stop, delivery.stops) for stop in found):
        return False
    states.change(
        session,
        "delivery",
        delivery,
        "quarantine_late",
        actor=SYSTEM,
        stops=[stop.stored() for stop in found],
        report=checked.report.stored(),
        rows=checked.report.rows,
        checked=_now(),
        approver=None,
        decision_reason=None,
    )
    return True


def stops_of(
    session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Any, people: Search | None = None
) -> list[stops.Stop]:
    """What a person has to look at first; raises Refused for an empty replacement where that is not wanted at all.

    `people` has taken all rows already, if they were taken early.
    """
    from ckanext.kzopen.publishing import personal
    from ckanext.kzopen.publishing.findings import emptied

    allowed = rules.thresholds(session, passport.package_id)
    current = versions.latest(session, passport.uri)
    old = compatibility.names(current.schema) if current else []
    retyped = compatibility.compared(current.schema, passport.schema).retyped if current else ()
    before = current.rows if current else 0
    sent = checked.report.rows
    if (
        current is not None
        and delivery.mode == "delete"
        and stops.losses(stops.Change("delete", before, sent, [], []), allowed)
    ):
        sent = _there(session, site, current, passport, checked.table)
    change = stops.Change(delivery.mode, before, sent, old, checked.table.schema.names, retyped)
    if allowed.empty == "refuse" and stops.empties(change):
        raise Refused(emptied(checked.report, before))
    losses = stops.losses(change, allowed)
    if delivery.mode == "delete":  # keys to delete are not published
        return losses
    return (people.found(checked.table) if people else personal.found(checked.table, passport.schema)) + losses


def _there(session: Session, site: Site, current: versions.Version, passport: Passport, keys: Any) -> int:
    """How many of the keys to delete are in the current version."""
    from ckanext.kzopen.publishing import merge
    from ckanext.kzopen.rows import reading

    key = list(passport.schema["primaryKey"])
    old = reading.table_of(session, site.files_url, current).read(key)
    return int(old.num_rows - merge.merged("delete", old, keys, key).table.num_rows)


def sound(
    session: Session,
    site: Site,
    delivery: Delivery,
    passport: Passport,
    accepted: set[repairs.Key],
    early: Early | None = None,
) -> Any:
    """A delivery's table with the report on it (`validation.check.Checked`); raises Refused when there is an error in it."""
    checked = check(site, delivery, passport, accepted, early)
    _refuse_unknown_codes(session, site, delivery, passport, checked)
    if checked.table is None:
        raise Refused(checked.report)
    if not checked.taken:  # nothing unstorable was among those
        _refuse_unstorable(checked, delivery.mode, passport)
    return checked


def check(site: Site, delivery: Delivery, passport: Passport, accepted: set[repairs.Key], early: Early | None = None) -> Any:
    """The report on the stored bytes, mended as people accepted it, and the table when they are free of errors
    (`validation.check.Checked`); `early` gets its rows meanwhile, where that can be."""
    # Loaded here: web processes register this path too and must not carry the libraries that read files.
    from ckanext.kzopen.validation.cells import Limits
    from ckanext.kzopen.validation.check import check_file

    path = inbox.stored_file(site.files_url, delivery.path)
    schema = schema_for(delivery.mode, passport.schema)
    limits = Limits(unpacked=max(LEAST_UNPACKED, min(Limits.unpacked, MOST_TIMES * delivery.size)))
    checked = check_file(
        path,
        schema,
        media_type=delivery.media_type,
        name=delivery.file_name,
        limits=limits,
        accepted=accepted,
        suggest=True,
        take=early.take if early else None,
    )
    if early is None:
        return checked
    if not checked.taken:
        early.give_up()
        return checked
    return replace(checked, table=early.table())


def _refuse_unstorable(checked: Any, mode: str, passport: Passport) -> None:
    from ckanext.kzopen.publishing.findings import unstorable
    from ckanext.kzopen.validation.lengths import looked_up

    report = unstorable(checked, checked.table, [] if mode == "delete" else looked_up(passport.schema))
    if report is not None:
        raise Refused(report)


def _refuse_unknown_codes(session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Any) -> None:
    from ckanext.kzopen.publishing.references import unknown_codes

    if delivery.mode != "delete" and passport.schema.get("foreignKeys"):
        report = unknown_codes(session, site.files_url, passport, delivery.mode, checked, _now().astimezone(ASTANA).date())
        if report is not None:
            raise Refused(report)


def schema_for(mode: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of what is sent: the whole table's, or its key alone when rows are to be deleted by key."""
    if mode != "delete":
        return schema
    key = schema["primaryKey"]
    return schema | {"fields": [field for field in schema["fields"] if field["name"] in key]}


def _refuse(session: Session, site: Site, delivery: Delivery, report: Any) -> None:
    stored = report.stored() | {"listed": listings.keep(site.files_url, delivery.path, report)}
    now = _now()
    way = "refuse" if delivery.state == "checking" else "refuse_late"
    given = {"report": stored, "rows": report.rows, "wrong": report.errors, "checked": now, "finished": now}
    states.change(session, "delivery", delivery, way, actor=SYSTEM, **given)


def fail(session: Session, delivery_id: UUID, error: BaseException, *, last: bool = False) -> None:
    """Note that a try did not come to its end through no fault of the data; the job is tried again, unless it was the last
    one: only then people are told, once, though the worker may die behind it, or another one that was given the same job come
    to the end. Commits."""
    delivery = session.get(Delivery, delivery_id, populate_existing=True, with_for_update=True)
    if delivery is None or (last and is_given_up(session, delivery)):
        return
    code = error.code if isinstance(error, KzError) else type(error).__name__
    if delivery.state == "checking" or (delivery.state == "failed" and last):
        states.change(session, "delivery", delivery, "give_up" if last else "fail", actor=SYSTEM, error=code)
    elif is_decided(delivery) or is_spreading(delivery):
        delivery.error = code
        if last:
            decide.give_up(session, delivery, code)
    tell(session, delivery_id)
    session.commit()


def _now() -> datetime:
    return datetime.now(UTC)
