"""One item on its way: described, fetched, compared, and given to the publish path; what it became here.

Safe to run again after a death at any line: the delivery has a key of its own in each run, and an item that was delivered
goes on from its delivery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from ckan import model
from ckanext.kzopen.core.web.errors import KzError, template
from ckanext.kzopen.publishing import datasets, first, process, receive
from ckanext.kzopen.publishing.harvest import columns, describing, differing, failing, together, undecided
from ckanext.kzopen.publishing.harvest.kinds import AnyHarvester, Described, Fetched, Found
from ckanext.kzopen.publishing.harvest.model import NEEDS_DECISION, WRITES, Held, Item, Run, Source
from ckanext.kzopen.publishing.harvest.reach import NotChanged
from ckanext.kzopen.publishing.harvest.runs import ACCEPTED
from ckanext.kzopen.publishing.harvest.settings import Defaults
from ckanext.kzopen.publishing.harvest.sources import actor_of
from ckanext.kzopen.publishing.harvest.together import NOT_YET, Waiting
from ckanext.kzopen.publishing.model import Delivery, Passport, delivery_with_key, passport_of
from ckanext.kzopen.publishing.passport import Passport as Told
from ckanext.kzopen.publishing.site import Site
from ckanext.kzopen.publishing.waiting import is_decided
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

CHUNK = 1 << 20


@dataclass(frozen=True)
class Visit:
    """What the items of one batch share."""

    session: Session
    site: Site
    source: Source
    run: Run
    harvester: AnyHarvester
    defaults: Defaults
    owner: str

    @property
    def looks_only(self) -> bool:
        return self.run.purpose not in WRITES


@dataclass(frozen=True)
class Content:
    """The bytes of an item's table in a file; `sha256` is None where there is no table, `same` when the source says so."""

    file: Path | None = None
    fetched: Fetched | None = None
    sha256: str | None = None
    same: bool = False


def land(visit: Visit, item: Item) -> None:
    """Bring one item to its outcome and commit; raises KzError, or what the kind's code raises, when it does not get there."""
    waiting = begin(visit, item, lambda: False)
    if waiting is not None:
        together.publish(visit, [waiting])


def begin(visit: Visit, item: Item, before: Callable[[], bool]) -> Waiting | None:
    """`land`, but a new data set that can be published together with others waits for that: nothing of it is written yet.

    `before` publishes those that wait, and is called before anything else is: names go to whom the source has first.
    """
    visit.harvester.reach.begin_item()
    held = visit.session.get(Held, (visit.source.id, item.guid))
    found = Found(item.guid, item.hash, {name: value for name, value in item.data.items() if name != ACCEPTED})
    described = visit.harvester.describe(found)
    item.uri = held.uri if held else describing.uri_of(described.uri, visit.defaults.prefix)
    package, published = _published(visit, item, held)
    visit.harvester.reach.validators = held.validators if held and published else {}
    with _fetched(visit, found) as content:
        if content.fetched and not content.fetched.as_told:
            item.hash = None
        accepted = bool(item.data.get(ACCEPTED, {}).get("columns"))
        told = _told(visit, described, published, content, accepted)
        if visit.looks_only:
            _look(visit, item, held, published, told, content)
        elif held is None and package is None and (waiting := _waiting(visit, item, told, content)):
            return waiting
        else:
            if before():
                package, published = _published(visit, item, held)
            _publish(visit, item, held, published, told, content)
    visit.session.commit()
    return None


def _waiting(visit: Visit, item: Item, told: Told, content: Content) -> Waiting | None:
    """A data set that is new here, ready with its table; None when it goes step by step."""
    if content.file is None or content.sha256 is None:
        return None
    new = datasets.prepared(actor_of(visit.source), str(item.uri), told)
    ready = first.ready(visit.session, visit.site, new, _sending(visit, item, content), content.file)
    if ready is None:
        return None
    fresh = dict(visit.harvester.reach.fresh)
    return Waiting(item, item.guid, item.hash, ready, describing.fingerprint_of(told), content.sha256, fresh)


def _published(visit: Visit, item: Item, held: Held | None) -> tuple[Any, Passport | None]:
    """The package here, if any, and its passport, if it is published; KzError harvest.uri_is_taken when it did not come
    from this source."""
    passport = passport_of(visit.session, str(item.uri))
    package = model.Package.get(passport.package_id if passport else item.uri)
    if package is None:
        return None, None
    if held is None or held.package_id != package.id:
        former = visit.session.scalars(
            select(Held).where(Held.package_id == package.id, Held.source_id == visit.source.id, Held.gone.is_not(None))
        ).first()
        if former is None:
            raise KzError("harvest.uri_is_taken", uri=item.uri)
    return package, passport if package.state == model.State.ACTIVE and (held is None or held.gone is None) else None


@contextmanager
def _fetched(visit: Visit, found: Found) -> Iterator[Content]:
    with TemporaryDirectory(prefix="kzopen-harvest-") as folder:
        file = Path(folder) / "table"
        try:
            fetched = visit.harvester.fetch(found, file)
        except NotChanged:
            yield Content(same=True)
            return
        if fetched is None:
            yield Content()
        else:
            yield Content(file, fetched, sha256_of(file))


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _told(visit: Visit, described: Described, published: Passport | None, content: Content, accepted: bool) -> Told:
    if content.same and published is not None:
        schema = published.schema
    else:
        known = published.schema if published is not None else None
        schema = columns.schema_for(described.schema, known, content.file, key=described.key, accepted=accepted)
    return describing.passport_of(described, visit.defaults, visit.owner, schema)


def _look(visit: Visit, item: Item, held: Held | None, published: Passport | None, told: Told, content: Content) -> None:
    """Say what would be done, field by field; nothing is stored but that."""
    item.differences = differing.compared(visit.session, visit.site, published, told, content)
    same = held is not None and held.passport == describing.fingerprint_of(told) and _same_content(held, content)
    outcome = _outcome(held if published is not None else None, same)
    if item.differences.get("errors"):
        raise KzError("harvest.refused", errors=item.differences["errors"])
    _settle(item, outcome)


def _publish(visit: Visit, item: Item, held: Held | None, published: Passport | None, told: Told, content: Content) -> None:
    mark = describing.fingerprint_of(told)
    same_passport = held is not None and published is not None and held.passport == mark
    same_content = held is not None and published is not None and _same_content(held, content)
    if not same_passport or published is None:
        actor, uri = actor_of(visit.source), str(item.uri)
        published = datasets.save(visit.session, actor, uri, told, begun=lambda new: _claim(visit, item, new)).passport
    if not same_content and content.file is not None:
        _deliver(visit, item, published, content)
    elif same_content and held and (offered := undecided.offered(visit.session, held.package_id, held.content)):
        undecided.note(item, offered)
    outcome = _outcome(held, same_passport and same_content)  # before `_hold`, which changes the row
    former = held.content if same_content and held else content.sha256
    _hold(visit, item, published, mark).content = former
    _settle(item, outcome)


def _claim(visit: Visit, item: Item, passport: Passport) -> None:
    """Note from the first moment on whose a new data set is, so that a run after a death or a refusal goes on with it."""
    kept = _hold(visit, item, passport, NOT_YET)
    kept.hash, kept.content, kept.validators = None, None, {}


def _outcome(held: Held | None, same: bool) -> str:
    if held is None or held.gone is not None or held.passport == NOT_YET:
        return "added"
    return "unchanged" if same else "changed"


def _same_content(held: Held, content: Content) -> bool:
    return content.same or content.sha256 == held.content


def _deliver(visit: Visit, item: Item, passport: Passport, content: Content) -> None:
    """Send the table the way of all tables and see it to its end; notes the delivery on the item.

    One that waits for a person already is not sent a second time.
    """
    assert content.file is not None  # noqa: S101 - the caller has looked
    sending = _sending(visit, item, content)
    delivery = delivery_with_key(visit.session, passport.package_id, str(sending.key))
    delivery = delivery or undecided.waiting(visit.session, passport.package_id, content.sha256)
    if delivery is None:
        with content.file.open("rb") as stream:
            outcome = receive.deliver(
                visit.session, visit.site.files_url, passport, sending, stream, visit.site.largest, at_once=True
            )
        delivery = outcome.delivery
    item.delivery_id = delivery.id
    try:
        process.process(visit.session, visit.site, delivery.id)
    except BaseException as error:  # also what a library in Rust raises
        told = failing.told(error, failing.ITEM)
        visit.session.rollback()
        process.fail(visit.session, delivery.id, told, last=not is_decided(delivery))  # a decided one has a job of its own
        raise told from error
    _read(delivery, item)


def _sending(visit: Visit, item: Item, content: Content) -> receive.Sending:
    return receive.Sending(
        mode="replace",
        sender=actor_of(visit.source),
        source="harvest",
        held=visit.defaults.approve,
        media_type=content.fetched.media_type if content.fetched else None,
        file_name=content.fetched.file_name if content.fetched else None,
        key=delivery_key(visit.run.id, item.guid),
    )


def delivery_key(run: UUID, guid: str) -> str:
    """The idempotency key of an item's delivery in one run."""
    return f"harvest-{run}-{hashlib.sha256(guid.encode()).hexdigest()[:32]}"


def _read(delivery: Delivery, item: Item) -> None:
    """What became of the delivery; one that waits for a person is not a failure, but is told."""
    if delivery.state == "accepted":
        return
    if delivery.state == "refused":
        raise KzError("harvest.refused", errors=delivery.wrong or 0)
    if delivery.state in ("failed", "checking", "received"):
        code = delivery.error or ""
        raise (
            KzError(code, uri=delivery.uri) if template(code) else KzError("harvest.database", problem=code or delivery.state)
        )
    undecided.note(item, delivery)


def _hold(visit: Visit, item: Item, passport: Passport, mark: str) -> Held:
    """Remember what was published of the item, in the transaction that gives it its outcome."""
    session = visit.session
    kept = session.get(Held, (visit.source.id, item.guid))
    if kept is None or kept.package_id != passport.package_id:
        others = Held.package_id == passport.package_id, Held.guid != item.guid, Held.source_id == visit.source.id
        session.execute(delete(Held).where(*others))
    if kept is None:
        kept = Held(source_id=visit.source.id, guid=item.guid)
        session.add(kept)
    kept.package_id, kept.uri = passport.package_id, passport.uri
    kept.hash, kept.fingerprint, kept.passport = item.hash, visit.run.fingerprint, mark
    kept.validators = {**(kept.validators or {}), **visit.harvester.reach.fresh} if visit.harvester.reach.fresh else {}
    kept.run_id, kept.gone = visit.run.id, None
    return kept


def _settle(item: Item, outcome: str) -> None:
    item.outcome, item.finished = outcome, datetime.now(UTC)
    if item.error != NEEDS_DECISION:
        item.error, item.error_params = None, {}
