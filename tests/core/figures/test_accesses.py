"""Access records become counts by object and day: no line twice, none lost, robots apart."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from ckan import model
from ckanext.kzopen.core.figures import Period, known
from ckanext.kzopen.core.figures.access import counting, reading
from ckanext.kzopen.core.figures.access.classify import is_robot
from ckanext.kzopen.core.figures.accesses import lately
from ckanext.kzopen.core.figures.periods import span_of
from sqlalchemy import text

from tests.core.figures.conftest import AT, Dataset, Log
from tests.mortals import Forge

Counts = dict[tuple[str, bool], int]


def counts(dataset: Dataset) -> Counts:
    rows = text("SELECT what, robot, sum(count) AS n FROM kzopen.access_count WHERE object_id = :id GROUP BY 1, 2")
    return {(row.what, row.robot): int(row.n) for row in model.Session.execute(rows, {"id": dataset.id})}


def count(log: Log) -> int:
    return counting.count_new(model.Session(), log.folder)


def test_requests_are_told_apart_by_their_route(dataset: Dataset, log: Log) -> None:
    log.request("dataset.read", {"id": dataset.name})
    log.request("dataset_resource.read", {"id": dataset.id, "resource_id": dataset.resource})
    log.request("kzopen_rows.current", {"uri": dataset.name, "ending": "csv"})
    log.request("datastore.dump", {"resource_id": dataset.resource})
    log.request("api.action", {"logic_function": "datastore_search", "ver": "3"}, query=f"resource_id={dataset.resource}")
    log.request("api.action", {"logic_function": "package_show", "ver": "3"}, query=f"id={dataset.name}")
    log.request("dataset.read", {"id": dataset.name}, agent="Mozilla/5.0 (compatible; Googlebot/2.1)")
    for status in (404, 304, 500):
        log.request("dataset.read", {"id": dataset.name}, status=status)
    log.request("dataset.read", {"id": "no-such-data-set"})
    log.request("home.index", {})

    assert count(log) == 12
    assert counts(dataset) == {("view", False): 2, ("view", True): 1, ("download", False): 2, ("api", False): 2}


@pytest.mark.parametrize(
    ("agent", "robot"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0", False),
        ("curl/8.5.0", False),
        ("python-requests/2.32", False),
        ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", True),
        ("Mozilla/5.0 AppleWebKit/537.36 HeadlessChrome/120", True),
        ("Prometheus/2.45", True),
        ("", True),
    ],
)
def test_robots_are_known_by_what_they_call_themselves(agent: str, robot: bool) -> None:
    assert is_robot(agent) is robot


def test_a_line_is_counted_once_through_rotation_restart_and_a_line_cut_in_the_middle(dataset: Dataset, log: Log) -> None:
    of = {"id": dataset.name}
    log.request("dataset.read", of)
    assert count(log) == 1
    assert count(log) == 0
    log.request("dataset.read", of)
    with log.path.open("ab") as file:
        file.write(b'{"at": "half a li')
    assert count(log) == 1
    reading.put_aside(log.folder, "20260305T000000")
    with next(log.folder.glob("access-*.log")).open("ab") as file:
        file.write(b"ne\n")  # a worker that still had the old file open
    log.request("dataset.read", of)  # the same handler goes on in a new file
    log.request("dataset.read", of)

    assert count(log) == 2
    assert count(log) == 0
    assert counts(dataset) == {("view", False): 4}


def test_a_record_behind_a_line_that_a_crash_cut_off_is_not_lost(dataset: Dataset, log: Log) -> None:
    log.request("dataset.read", {"id": dataset.name})
    with log.path.open("ab") as file:
        file.write(b'{"at": "2026-03-05T10:00:00.000+00:00", "request": "a", "meth')
    log.request("dataset.read", {"id": dataset.name})

    assert count(log) == 2
    assert counts(dataset) == {("view", False): 2}


def test_a_file_that_was_cut_off_and_begun_anew_is_read_from_its_beginning(dataset: Dataset, log: Log) -> None:
    for _ in range(3):
        log.request("dataset.read", {"id": dataset.name})
    count(log)
    os.truncate(log.path, 0)
    for _ in range(5):
        log.request("dataset.read", {"id": dataset.name})

    assert count(log) == 5
    assert counts(dataset) == {("view", False): 8}


@pytest.mark.fault
def test_a_killed_count_loses_no_line_and_counts_none_twice(
    mortals: Forge, dataset: Dataset, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "AT_ONCE", 2000)
    for _ in range(40):
        log.request("dataset.read", {"id": dataset.name})
    mortals.killed("tests.core.figures.die_in_counting", str(log.folder), "2")
    model.Session.remove()
    before = counts(dataset)[("view", False)]
    assert 0 < before < 40

    assert count(log) == 40 - before
    assert counts(dataset) == {("view", False): 40}


def test_the_file_is_put_aside_each_day_and_deleted_when_it_is_counted_and_past_its_keeping(
    dataset: Dataset, log: Log
) -> None:
    log.request("dataset.read", {"id": dataset.name})
    session = model.Session()
    counting.look_after(session, log.folder, AT + timedelta(hours=1))
    assert log.path.exists()
    counting.look_after(session, log.folder, AT + timedelta(days=1))
    (aside,) = log.folder.glob("access-*.log")
    assert not log.path.exists()
    os.utime(aside, (0, 0))
    counting.look_after(session, log.folder, AT + timedelta(days=2))
    assert aside.exists(), "it was not counted yet"

    count(log)
    os.utime(aside, (0, 0))
    counting.look_after(session, log.folder, AT + timedelta(days=2))
    assert not aside.exists()
    assert counts(dataset) == {("view", False): 1}


def test_records_are_for_their_owner_and_name_nobody(log: Log) -> None:
    log.request("api.action", {"logic_function": "package_show"}, query="id=x&token=secret&email=a%40b.kz")
    told = log.path.read_text()
    assert "secret" not in told
    assert "b.kz" not in told


def test_accesses_are_figures_by_agency_with_rows_behind_and_on_the_page_of_the_data_set(dataset: Dataset, log: Log) -> None:
    now = counting.datetime.now(counting.UTC)
    log.request("dataset.read", {"id": dataset.name}, at=now)
    log.request("dataset.read", {"id": dataset.name}, agent="SomeBot/1.0", at=now)
    log.request("kzopen_rows.current", {"uri": dataset.name}, at=now)
    count(log)
    figure, session = known("views"), model.Session()
    span = span_of(Period.DAY, counting.datetime.fromisoformat(counting.day_of(now.isoformat())).date())

    assert figure.query(session, span)[dataset.agency] == 1
    assert figure.rows is not None
    (row,) = figure.rows(session, span, frozenset({dataset.agency}))
    assert (row["dataset"], row["count"], row["robots"]) == (dataset.name, 1, 1)
    shown = lately(dataset.id)
    assert (shown.views, shown.downloads, shown.calls) == (1, 1, 0)


def test_two_handlers_of_one_file_never_mix_their_lines(dataset: Dataset, log: Log) -> None:
    other = Log(Path(log.folder))
    for _ in range(50):
        log.request("dataset.read", {"id": dataset.name})
        other.request("dataset.read", {"id": dataset.name})
    assert count(log) == 100
