"""Whatever goes wrong in a kind's code ends that item, or that run, in words; what passes is tried again."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.sax import SAXParseException
from xml.sax.xmlreader import Locator

import psycopg2
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import record
from ckanext.kzopen.core.jobs.registry import known_task
from ckanext.kzopen.core.jobs.runner import Runner
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.datasets import known_passport
from ckanext.kzopen.publishing.harvest import batches, engine, failing, kinds, landing, patience, removing, runs, visiting
from ckanext.kzopen.publishing.harvest.kinds import Fetched, Found, Page
from ckanext.kzopen.publishing.harvest.model import Item, Run, Source
from ckanext.kzopen.publishing.model import Delivery
from kzopen_harvesters.json_api import JsonApi
from polars.exceptions import ComputeError, PanicException
from redis import ConnectionError as ValkeyAway
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.publishing.conftest import SCHOOLS
from tests.publishing.harvest.conftest import listed
from tests.publishing.harvest.source import Catalogue

ODD = [
    RuntimeError("no such hall"),
    StopIteration(),
    AssertionError("two halls"),
    ComputeError("no column"),
    SAXParseException("no element found", None, Locator()),
    OSError(errno.ENAMETOOLONG, "File name too long"),
    KeyError("hall"),
    PanicException("index out of bounds"),
]
"""What the code of a kind, and of the libraries that it uses, may raise."""


def breaks(monkeypatch: pytest.MonkeyPatch, **instead: Callable[..., Any]) -> None:
    """Let the kind of the source do this instead, in this process."""
    broken = type("Broken", (JsonApi,), instead)
    monkeypatch.setattr(kinds, "kind_named", lambda _name: broken)


def items_of(run: UUID) -> list[Item]:
    wanted = select(Item).where(Item.run_id == run).order_by(Item.position)
    return list(model.Session().scalars(wanted.execution_options(populate_existing=True)))


def name_of(error: BaseException) -> str:
    """What it is called when it has left a generator: there Python makes a RuntimeError of a StopIteration."""
    return "RuntimeError" if isinstance(error, StopIteration) else type(error).__name__


def test_whatever_a_kind_raises_fails_that_item_only(
    run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue.fill(len(ODD) + 1)
    raised = {f"set-{number:03d}": error for number, error in enumerate(ODD)}

    def fetch(kind: JsonApi, item: Found, into: Path) -> Fetched | None:
        if item.guid in raised:
            raise raised[item.guid]
        return JsonApi.fetch(kind, item, into)

    breaks(monkeypatch, fetch=fetch)
    listed(run)
    assert batches.work(model.Session(), run.id, 0)
    found = {item.guid: (item.outcome, item.error) for item in items_of(run.id)}
    assert found == dict.fromkeys(raised, ("failed", "harvest.odd_item")) | {f"set-{len(ODD):03d}": ("added", None)}
    problems = [item.error_params["problem"] for item in items_of(run.id)[:-1]]
    assert [problem.split(":")[0] for problem in problems] == [name_of(error) for error in ODD]
    assert "no such hall" in caplog.text, "the trace is in the log"


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
def test_whatever_a_kind_raises_in_its_list_fails_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def pages(_kind: JsonApi, _cursor: Any) -> Iterator[Page]:
        yield Page([Found("set-000", "1", {})])
        raise error

    breaks(monkeypatch, discover=pages)
    engine._advance(model.Session(), run.id)
    assert (run.state, run.error, run.error_params["problem"].split(":")[0]) == ("failed", "harvest.odd_list", name_of(error))
    assert [(item.outcome, item.error) for item in items_of(run.id)] == [("failed", "harvest.odd_list")]


PASSING = {
    "disk": OSError(errno.ENOSPC, "No space left on device"),
    "bucket": OSError("When reading: AWS Error NETWORK_CONNECTION during HeadObject operation"),
    "database": OperationalError("SELECT 1", {}, psycopg2.OperationalError("closed")),
    "valkey": ValkeyAway("refused"),
}


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_what_passes_fails_no_item_and_no_run(
    run: Run, catalogue: Catalogue, app: CKANTestApp, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    catalogue.fill(1)

    def fetch(*_: Any) -> None:
        raise error

    breaks(monkeypatch, fetch=fetch)
    listed(run)
    number = run.id
    with pytest.raises(type(error)):
        worked(app, number)
    session = model.Session()
    assert session.get_one(Run, number).state == "fetching"
    assert [(item.outcome, item.attempts) for item in items_of(number)] == [(None, 0)]


def worked(app: CKANTestApp, run: UUID, attempts: int = 0) -> None:
    """The job of the run's first batch, as the worker does it."""
    told = {"run": str(run), "batch": 0, "key": f"{run}/0"}
    Runner(app.flask_app)(known_task(batches.TASK), attempts, told)


def test_a_connection_that_is_really_lost_passes(run: Run) -> None:
    engine_of = model.Session().get_bind().engine
    with engine_of.connect() as connection, engine_of.connect() as other:
        number = connection.scalar(text("SELECT pg_backend_pid()"))
        other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
        with pytest.raises(DBAPIError) as raised:
            connection.execute(text("SELECT 1"))
    assert failing.passes(raised.value)


@pytest.mark.parametrize(
    ("statement", "passes"), [("SELECT 1/0", False), ("SELECT no_such_thing", False), ("LOCK TABLE package NOWAIT", True)]
)
def test_what_the_database_refuses_does_not_pass(run: Run, statement: str, passes: bool) -> None:
    with model.Session().get_bind().engine.connect() as other:
        other.execute(text("LOCK TABLE package IN ACCESS SHARE MODE"))
        with pytest.raises(DBAPIError) as raised:
            model.Session().execute(text(statement))
        model.Session().rollback()
    assert failing.passes(raised.value) is passes


def test_an_item_fails_whose_transaction_the_database_has_broken_off(run: Run, catalogue: Catalogue) -> None:
    """What it knows of itself is not asked of that transaction."""
    catalogue.fill(1)
    listed(run)
    session = model.Session()

    def broken(visit: Any, item: Item) -> None:
        item.uri = "known"
        visit.session.commit()
        visit.session.execute(text("SELECT 1/0"))

    with visiting.visit(session, session.get_one(Source, run.source_id), run) as visit:
        assert batches._one(visit, items_of(run.id)[0], broken)
    [item] = items_of(run.id)
    assert (item.outcome, item.error, item.uri) == ("failed", "harvest.database", "known")


@pytest.mark.parametrize(
    ("change", "verbs"),
    [({"state": "checking"}, {"give_up"}), ({"state": "awaiting_approval", "approver": "somebody"}, set())],
    ids=["own", "decided"],
)
def test_nobody_tries_the_delivery_of_an_item_that_failed_again_unless_it_has_a_job(
    run: Run, catalogue: Catalogue, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, verbs: set[str]
) -> None:
    """One that somebody has decided on meanwhile is in the queue."""
    catalogue.fill(1)
    listed(run)
    session = model.Session()
    sent = tmp_path / "sent"
    sent.write_bytes(SCHOOLS)

    def odd(its: Any, _site: Any, number: UUID) -> None:
        for name, value in change.items():
            setattr(its.get_one(Delivery, number), name, value)
        its.commit()
        raise RuntimeError("no such hall")

    monkeypatch.setattr(landing.process, "process", odd)
    item, passport = items_of(run.id)[0], known_passport(session, uri)
    with visiting.visit(session, session.get_one(Source, run.source_id), run) as visit, pytest.raises(KzError):
        landing._deliver(visit, item, passport, landing.Content(sent, sha256="0" * 64))

    told = {event.verb for event in record.events(session, kind="delivery", object_id=str(item.delivery_id))}
    assert told & {"fail", "give_up"} == verbs


def test_a_run_whose_worker_died_in_an_item_each_time_is_given_up(run: Run, catalogue: Catalogue, app: CKANTestApp) -> None:
    """An item may kill its worker: it must not kill the next one for ever."""
    catalogue.fill(2)
    listed(run)
    number = run.id
    worked(app, number, known_task(batches.TASK).retry.times + 1)
    ended = model.Session().get_one(Run, number)
    assert (ended.state, ended.error, ended.seen, ended.failed) == ("failed", "harvest.gave_up", 2, 2)
    assert {item.error for item in items_of(number)} == {"harvest.gave_up"}
    assert ended not in runs.stranded(model.Session()), "the clock would begin it again"


def test_a_run_that_cannot_go_on_ends_and_does_not_begin_again_for_ever(
    run: Run, catalogue: Catalogue, app: CKANTestApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the kind of its source is gone with an upgrade."""
    catalogue.fill(1)
    listed(run)
    number = run.id

    def gone(name: str) -> None:
        raise KzError("harvest.unknown_kind", kind=name, kinds=[])

    monkeypatch.setattr(kinds, "kind_named", gone)
    states = []
    for attempts in range(patience.TRIES):
        with pytest.raises(KzError):
            worked(app, number, attempts)
        ended = model.Session().get_one(Run, number)
        states.append(ended.state)
        told = ended.error, ended.failed
        model.Session().rollback()
    assert states == ["fetching", "fetching", "fetching", "failed"]
    assert told == ("harvest.unknown_kind", 1)


def test_what_cannot_be_withdrawn_fails_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    session = model.Session()
    session.add_all(Item(run_id=run.id, guid=guid, position=place, removal=True) for place, guid in enumerate("abc"))
    session.commit()

    def withdraw(_session: Any, _source: Source, item: Item) -> None:
        if item.guid == "b":
            raise RuntimeError("a plugin does not let it go")

    monkeypatch.setattr(removing, "_withdraw", withdraw)
    run.purpose = "harvest"
    removing.remove_all(session, session.get_one(Source, run.source_id), run)
    assert [(item.outcome, item.error) for item in items_of(run.id)] == [
        ("removed", None),
        ("failed", "harvest.odd_item"),
        ("removed", None),
    ]


def test_no_two_sources_that_were_away_are_asked_again_at_one_moment(app: CKANTestApp) -> None:
    with app.flask_app.test_request_context():
        error = KzError("client.unreachable", host="h")
        waits = [patience.waiting_time(3, error) / patience.first_wait() for _ in range(50)]
        busy = [patience.waiting_time(1, KzError("harvest.source_busy", host="h", seconds=40)) for _ in range(50)]
    assert min(waits) >= 4, "doubled after each try"
    assert max(waits) <= 5, "a quarter more at most"
    assert max(waits) - min(waits) > 0.25, "by chance"
    assert min(busy) >= 40, "as long as the host asks for"
    assert len(set(busy)) == 50
