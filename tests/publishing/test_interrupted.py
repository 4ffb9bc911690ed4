"""A worker killed at any point of a publication: nothing half-published is seen, and the next run ends it, once."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.datastore.backend.postgres import get_write_engine
from ckanext.kzopen.core import states
from ckanext.kzopen.core.files.kinds import UNFINISHED
from ckanext.kzopen.core.jobs import GaveUp
from ckanext.kzopen.core.outbox import Message
from ckanext.kzopen.publishing import accept, decide, jobs, notices, process, receive
from ckanext.kzopen.publishing.datasets import known_passport
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.publishing.waiting import is_given_up
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows import store
from ckanext.kzopen.search import listeners
from ckanext.kzopen.validation import pieces
from sqlalchemy import text

from tests.mortals import Forge
from tests.publishing.conftest import SCHOOLS, Agency, Api
from tests.publishing.die import ONLY_STAGED, POINTS
from tests.publishing.test_deliver import CHANGED, rows_in_datastore
from tests.search.conftest import until

OLD = ["000140000012", "000140000092", "000140000220"]
NEW = ["000140000012", "000140000220", "000140000316"]
PUBLISHED = ("version committed", "rows switched", "everything committed")

pytestmark = pytest.mark.fault


@pytest.fixture
def waiting(app: CKANTestApp, api: Api, uri: str, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A delivery of changed rows upon version 1, which no worker has been told of."""
    api.delivery(uri, SCHOOLS)
    monkeypatch.setattr(receive, "defer_check", lambda session, delivery: None)
    with app.flask_app.test_request_context():
        session, site = model.Session(), configured()
        sending = receive.Sending("replace", sender="tester", source="api")
        passport = known_passport(session, uri)
        return receive.deliver(session, site.files_url, passport, sending, io.BytesIO(CHANGED), site.largest).delivery.id


def bins(app: CKANTestApp, uri: str) -> list[object]:
    return [row["bin"] for row in rows_in_datastore(app, uri)]


@pytest.mark.parametrize(("point", "way"), [*product(POINTS, ("whole", "staged")), (ONLY_STAGED, "staged")])
def test_a_publication_survives_the_death_of_its_worker(
    app: CKANTestApp, mortals: Forge, uri: str, waiting: UUID, point: str, way: str
) -> None:
    mortals.killed("tests.publishing.die", str(waiting), point, way)

    session = model.Session()
    delivery = session.get_one(Delivery, waiting)
    committed = point in PUBLISHED
    assert delivery.state == ("accepted" if committed else "checking")
    assert [version.number for version in versions.all_of(session, uri)] == ([2, 1] if committed else [1])
    assert bins(app, uri) == (NEW if point == "everything committed" else OLD)
    model.Session.remove()

    with app.flask_app.test_request_context():
        process.process(model.Session(), configured(), waiting)

    session = model.Session()
    again = session.get_one(Delivery, waiting)
    assert (again.state, again.version, again.changed, again.settled is not None) == ("accepted", 2, 1, True)
    assert [version.number for version in versions.all_of(session, uri)] == [2, 1]
    assert bins(app, uri) == NEW
    known = versions.paths(session)
    left = [entry.name for entry in store.leftovers(configured().files_url, known, older_than=-1) if uri in entry.name]
    # A file that was being written when its worker died has no name yet; the job that tidies takes it away. What is to go into
    # a bucket is written among the copies on this machine, and has not come to the bucket.
    on_disk = configured().files_url.startswith("file:")
    assert [UNFINISHED in name for name in left] == ([True] if point == ONLY_STAGED and on_disk else [])


def test_a_second_worker_with_the_same_delivery_publishes_nothing_twice(app: CKANTestApp, uri: str, waiting: UUID) -> None:
    with app.flask_app.test_request_context():
        for _ in range(2):
            process.process(model.Session(), configured(), waiting)

    assert [version.number for version in versions.all_of(model.Session(), uri)] == [2, 1]


def test_two_workers_at_one_delivery_at_the_same_time_make_one_version(
    app: CKANTestApp, uri: str, waiting: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was taken for dead goes on beside the one that got its job: both come to the delivery at one moment."""
    hold, together = accept.hold, Barrier(2, timeout=60)

    def at_one_moment(*given: Any) -> bool:
        together.wait()
        return hold(*given)

    def work(_: int) -> None:
        with app.flask_app.test_request_context():
            process.process(model.Session(), configured(), waiting)
            model.Session.remove()

    with app.flask_app.test_request_context():
        states.change(model.Session(), "delivery", model.Session().get_one(Delivery, waiting), "check", process.SYSTEM)
        model.Session.commit()
    monkeypatch.setattr(accept, "hold", at_one_moment)
    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(work, range(2))) == [None, None]

    assert [version.number for version in versions.all_of(model.Session(), uri)] == [2, 1]
    assert bins(app, uri) == NEW


def test_a_failure_that_is_not_the_datas_fault_is_told_and_tried_again(
    app: CKANTestApp, uri: str, waiting: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError("No space left on device")

    with app.flask_app.test_request_context():
        with monkeypatch.context() as patch:
            patch.setattr(store, "write_version", full)
            with pytest.raises(OSError, match="No space left") as failure:
                process.process(model.Session(), configured(), waiting)
            model.Session.rollback()
            process.fail(model.Session(), waiting, failure.value)
        delivery = model.Session().get_one(Delivery, waiting)
        assert (delivery.state, delivery.error) == ("failed", "OSError")

        process.process(model.Session(), configured(), waiting)

    delivery = model.Session().get_one(Delivery, waiting)
    assert (delivery.state, delivery.error, delivery.version) == ("accepted", None, 2)


MAILED = text("SELECT id, topic, key, payload, created FROM kzopen.outbox WHERE key = :key ORDER BY id")


def mails(delivery: UUID) -> list[tuple[str, frozenset[str]]]:
    """What is mailed at once of a delivery: the kind of each mail and to whom."""
    rows = model.Session.execute(MAILED, {"key": str(delivery)})
    messages = [Message(row.id, row.topic, row.key, row.payload, row.created) for row in rows]
    made = [one for message in messages if "notify" in message.payload for one in notices.told(model.Session, message)]
    return [(one.kind, frozenset(one.people)) for one in made if one.how == "at_once"]


@pytest.mark.parametrize("state", ["checking", "failed"])
def test_only_of_the_last_try_that_fails_the_sender_is_told_once(
    app: CKANTestApp, agency: Agency, waiting: UUID, state: str
) -> None:
    """A try may fail on a `checking` delivery, and a worker die before it takes up one that has `failed`, or behind the last
    one: then the last one is told again."""
    with app.flask_app.test_request_context():
        session = model.Session()
        session.get_one(Delivery, waiting).sender = agency.user
        for attempt in range(3):
            states.change(session, "delivery", session.get_one(Delivery, waiting), "check", process.SYSTEM)
            if attempt < 2 or state == "failed":
                jobs.mark_failed(OSError("No space left on device"), delivery=str(waiting), last=False)
        assert mails(waiting) == []
        for _ in range(2):
            jobs.mark_failed(GaveUp(), delivery=str(waiting), last=True)

        delivery = session.get_one(Delivery, waiting)
        assert (delivery.state, delivery.error) == ("failed", "GaveUp")
        assert mails(waiting) == [("delivery.state", {agency.user})]

        states.change(session, "delivery", delivery, "check", process.SYSTEM)
        jobs.mark_failed(GaveUp(), delivery=str(waiting), last=True)
        assert len(mails(waiting)) == 2, "it was tried anew"


DECIDED = {
    "approved": "state = 'awaiting_approval', approver = sender",
    "released": "state = 'quarantined', approver = sender",
    "planned": "state = 'scheduled', publish_at = now() - interval '1 hour'",
}


@pytest.mark.parametrize("decided", DECIDED)
def test_of_one_that_was_decided_on_sender_and_approvers_are_told_once_and_it_is_left_to_them(
    app: CKANTestApp, api: Api, uri: str, agency: Agency, waiting: UUID, monkeypatch: pytest.MonkeyPatch, decided: str
) -> None:
    with app.flask_app.test_request_context():
        session = model.Session()
        change = text(f"UPDATE kzopen.delivery SET {DECIDED[decided]} WHERE id = :id")
        session.execute(change, {"id": waiting})
        session.commit()
        deferred: list[UUID] = []
        monkeypatch.setattr(jobs, "defer_check", lambda _session, late: deferred.append(late.id))
        monkeypatch.setattr(decide, "defer_check", lambda _session, late: None)
        jobs.mark_failed(OSError(), delivery=str(waiting), last=False)
        jobs.look_for_due()
        assert (mails(waiting), waiting in deferred) == ([], decided == "planned")
        deferred.clear()

        for _ in range(2):
            jobs.mark_failed(OSError(), delivery=str(waiting), last=True)
        jobs.look_for_due()

        ((kind, people),) = mails(waiting)
        assert kind == "delivery.state"
        assert people >= {"tester", model.User.get(agency.user).id}
        assert waiting not in deferred
        delivery = session.get_one(Delivery, waiting)
        assert decide.stuck(session, [delivery]) == [delivery]
        decide.try_again(session, delivery, agency.user)
        assert not is_given_up(session, delivery)


def test_of_an_accepted_one_that_is_not_shown_everywhere_sender_and_approvers_are_told_once(
    app: CKANTestApp, agency: Agency, waiting: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object) -> None:
        raise OSError("DataStore is away")

    def to_people() -> list[tuple[str, frozenset[str]]]:
        return [one for one in mails(waiting) if one[0] != "dataset.version"]

    with app.flask_app.test_request_context():
        session = model.Session()
        with monkeypatch.context() as patch:
            patch.setattr(process, "settle", away)
            with pytest.raises(OSError, match="away") as failure:
                process.process(session, configured(), waiting)
        jobs.mark_failed(failure.value, delivery=str(waiting), last=False)
        assert to_people() == []

        for _ in range(2):
            jobs.mark_failed(failure.value, delivery=str(waiting), last=True)

        ((kind, people),) = to_people()
        assert (kind, people >= {"tester", model.User.get(agency.user).id}) == ("delivery.unshown", True)
        delivery = session.get_one(Delivery, waiting)
        assert (delivery.state, delivery.settled, delivery.error) == ("accepted", None, "OSError")

        process.process(session, configured(), waiting)
        assert (delivery.settled is not None, delivery.error) == (True, None)


BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE :pid = ANY (pg_blocking_pids(pid))")


def test_of_one_that_another_worker_settles_meanwhile_nobody_is_told_that_it_is_not_shown(
    app: CKANTestApp, waiting: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was taken for dead goes on beside the one that got its job, and fails when that one is at its end."""

    def away(*_args: object) -> None:
        raise OSError("DataStore is away")

    def fail() -> None:
        with app.flask_app.test_request_context():
            jobs.mark_failed(OSError(), delivery=str(waiting), last=True)
            model.Session.remove()

    def waits(pid: int) -> bool:
        with model.meta.engine.connect() as connection:
            return bool(connection.scalar(BLOCKED, {"pid": pid}))

    with app.flask_app.test_request_context():
        with monkeypatch.context() as patch:
            patch.setattr(process, "settle", away)
            with pytest.raises(OSError, match="away"):
                process.process(model.Session(), configured(), waiting)
        model.Session.remove()
    with ThreadPoolExecutor(1) as workers:
        with model.meta.engine.begin() as other:
            other.execute(text("UPDATE kzopen.delivery SET settled = now() WHERE id = :id"), {"id": waiting})
            pid = other.scalar(text("SELECT pg_backend_pid()"))
            failing = workers.submit(fail)
            until(lambda: waits(pid))
        failing.result(60)

    assert [one for one in mails(waiting) if one[0] != "dataset.version"] == []
    assert model.Session().get_one(Delivery, waiting).error is None


@pytest.mark.parametrize("way", ["whole", "staged"])
def test_readers_see_the_rows_of_a_whole_table_while_its_documents_wait_for_the_index(
    app: CKANTestApp, uri: str, waiting: UUID, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    waits: list[tuple[int, list[object]]] = []
    resource = model.Package.get(uri).resources[0].id

    def follow(_done: object) -> None:
        with model.meta.engine.connect() as connection:
            number = connection.scalar(text("SELECT max(number) FROM kzopen.version WHERE uri = :uri"), {"uri": uri})
        with get_write_engine().connect() as connection:
            rows = connection.execute(text(f'SELECT bin FROM "{resource}" ORDER BY bin')).scalars().all()
        waits.append((number, list(rows)))

    monkeypatch.setattr(listeners, "follow", follow)
    if way == "staged":
        monkeypatch.setattr(pieces, "SMALLEST", 0)
    with app.flask_app.test_request_context():
        process.process(model.Session(), configured(), waiting)

    assert (2, NEW) in waits
    assert (2, OLD) not in waits
