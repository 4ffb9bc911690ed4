"""The continuous archive: PostgreSQL's log and the portal's files on another disk, and a portal of a moment made from them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings, problems
from ckanext.kzopen.runtime import doctor, processes, services
from ckanext.kzopen.runtime.archiving import keeper, restoring, wal
from ckanext.kzopen.runtime.archiving.keeper import Keeper, moment_of
from ckanext.kzopen.runtime.archiving.place import STAMP, Archive, NoPlace, archive_of, claim, read, series_in, write
from ckanext.kzopen.runtime.backup.restoring import CannotRestore
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import Supervisor

from tests.conftest import free_port, portal_at, run_launcher
from tests.runtime.test_backup import REASON, TABLES
from tests.runtime.test_backup import Portal as OldPortal

ODD = "ар хив's 50%"
"""A folder whose name has every sign that a shell or PostgreSQL could misread."""


def portal_in(folder: Path, archive: Path | str, **more: str) -> Portal:
    given: dict[str, Any] = {"data": folder, "archive": str(archive), **more}
    portal = Portal(Settings(**given))
    portal.make_folders()
    return portal


@pytest.fixture
def archived(tmp_path: Path) -> Iterator[tuple[Portal, Keeper]]:
    """PostgreSQL of a portal that archives, and its keeper; the portal's other processes are not there."""
    (tmp_path / ODD).mkdir()
    portal = portal_in(tmp_path / "data", tmp_path / ODD)
    (portal.data / "record").mkdir()
    claim(portal)
    services.init_postgres(portal)
    supervisor = Supervisor(portal)
    (postgres,) = (one for one in processes.embedded(portal) if one.name == "postgres")
    supervisor.start(postgres)
    supervisor.wait_for(postgres, 60)
    archive = archive_of(portal)
    assert archive is not None
    sources = {"files": portal.files, "storage": portal.data / "storage", "record": portal.data / "record"}
    yield portal, Keeper(archive, portal.sockets, sources, portal.accounts, portal.archived_until, days=1)
    supervisor.stop()


def sql(portal: Portal, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(host=str(portal.sockets), user="postgres", dbname="postgres") as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


def made_again(portal: Portal, archive: Archive, at: datetime | None) -> list[tuple[Any, ...]]:
    """What the database of a moment holds, when it is made anew in an empty portal."""
    supervisor = Supervisor(portal)
    try:
        way = restoring.reached(archive.folder.parent, at)
        (portal.data / "restoring").mkdir()
        restoring._unpack(portal, way.base)
        restoring._replay(portal, supervisor, way)
        assert not (portal.postgres / "recovery.signal").exists()
        assert "restore_command" not in (portal.postgres / "postgresql.auto.conf").read_text()
        return sql(portal, "SELECT word FROM told ORDER BY word")
    finally:
        supervisor.stop()


def test_the_database_of_a_moment_is_made_again_and_so_is_that_of_the_last(
    archived: tuple[Portal, Keeper], tmp_path: Path
) -> None:
    portal, archiver = archived
    sql(portal, "CREATE TABLE told (word text)")
    sql(portal, "INSERT INTO told VALUES ('before the copy')")
    archiver.round()
    sql(portal, "INSERT INTO told VALUES ('first')")
    time.sleep(0.05)
    between = datetime.now(UTC)
    time.sleep(0.05)
    sql(portal, "INSERT INTO told VALUES ('second')")
    until = archiver.round()
    sql(portal, "INSERT INTO told VALUES ('lost with the disk')")
    assert archiver.archive.complete_until() == until
    assert made_again(portal_in(tmp_path / "moment", ""), archiver.archive, between) == [("before the copy",), ("first",)]
    last = made_again(portal_in(tmp_path / "last", ""), archiver.archive, None)
    assert last == [("before the copy",), ("first",), ("second",)]


def test_moments_out_of_reach_are_named_with_those_in_reach(archived: tuple[Portal, Keeper]) -> None:
    portal, archiver = archived
    folder = archiver.archive.folder.parent
    assert archiver.round() is None, "the base copy is younger than its round"
    with pytest.raises(CannotRestore, match="holds no complete moment yet"):
        restoring.reached(folder, None)
    until = archiver.round()
    assert until is not None
    assert until.isoformat() == read(portal.archived_until)["until"], "told also while the archive is away"
    way = restoring.reached(folder, None)
    assert (way.archive, way.at) == (archiver.archive, until)
    for wrong in (until + timedelta(seconds=1), moment_of(way.base) - timedelta(seconds=1)):
        with pytest.raises(CannotRestore, match=f" to {until.isoformat(timespec='seconds')[:19]}"):
            restoring.reached(folder, wrong)


def test_a_moment_is_looked_for_in_all_series(tmp_path: Path) -> None:
    """Two series, the first of which ended when its portal was lost; between them nothing was archived."""
    now = datetime.now(UTC)
    for since, until in ((50, 40), (30, 10)):
        series = Archive(tmp_path / (now - timedelta(days=since)).strftime(STAMP))
        (series.base / (now - timedelta(days=since)).strftime(STAMP)).mkdir(parents=True)
        write(series.owner, {"portal": "http://here"})
        write(series.complete, {"until": (now - timedelta(days=until)).isoformat()})
    first, second = series_in(tmp_path)
    for days, wanted in ((45, first), (20, second)):
        assert restoring.reached(tmp_path, now - timedelta(days=days)).archive == wanted
    assert restoring.reached(tmp_path, None).archive == second
    assert restoring.reached(first.folder, None).archive == first
    with pytest.raises(CannotRestore, match="no such moment"):
        restoring.reached(tmp_path, now - timedelta(days=35))
    keeper = Keeper(second, tmp_path, {}, tmp_path, tmp_path, days=14)
    keeper._prune_series(now - timedelta(days=41))
    assert series_in(tmp_path) == [first, second]
    keeper._prune_series(now - timedelta(days=39))
    assert series_in(tmp_path) == [second]


def test_files_are_there_before_the_moment_that_needs_them_is_told(
    archived: tuple[Portal, Keeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal, archiver = archived
    archiver.round()
    archiver.round()
    (portal.files / "versions").mkdir()
    (portal.files / "versions" / "a.parquet").write_bytes(b"rows")
    (portal.data / "record" / "journal.jsonl").write_text("one\n")
    told = archiver.archive.complete_until()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copy2", full)
        with pytest.raises(OSError, match="No space left"):
            archiver.round()
    assert archiver.archive.complete_until() == told
    archiver.round()
    copies = archiver.archive.folder
    assert (copies / "files/versions/a.parquet").read_bytes() == b"rows"
    (portal.data / "record" / "journal.jsonl").write_text("one\ntwo\n")
    archiver.round()
    assert (copies / "record/journal.jsonl").read_text() == "one\ntwo\n"
    assert list(copies.rglob("*.part")) == []


def test_what_no_moment_needs_is_deleted_and_nothing_else(archived: tuple[Portal, Keeper]) -> None:
    portal, archiver = archived
    (portal.files / "old.parquet").write_bytes(b"old")
    (portal.files / "new.parquet").write_bytes(b"new")
    sql(portal, "CREATE TABLE told (word text)")
    archiver.round()
    archiver.round()
    first = archiver.archive.bases()[0]
    begins = wal.first_segment(first)
    (portal.files / "old.parquet").unlink()
    archiver.round()
    assert list(read(archiver.archive.gone)) == ["files/old.parquet"]
    assert (archiver.archive.folder / "files/old.parquet").exists()

    # Nine days later: the first copy is older than a day, a second one is made; then that is a day old, too.
    aged = first.rename(first.with_name((moment_of(first) - timedelta(days=9)).strftime(STAMP)))
    sql(portal, "INSERT INTO told VALUES ('later')")
    archiver.round()
    assert archiver.archive.bases()[0] == aged, "the moments of the last day begin from it"
    second = archiver.archive.bases()[1]
    (portal.files / "new.parquet").unlink()
    archiver.round()
    second.rename(second.with_name((moment_of(second) - timedelta(days=1, seconds=5)).strftime(STAMP)))
    gone = read(archiver.archive.gone)
    assert sorted(gone) == ["files/new.parquet", "files/old.parquet"]
    write(archiver.archive.gone, gone | {"files/old.parquet": (datetime.now(UTC) - timedelta(days=3)).isoformat()})
    archiver.round()
    assert len(archiver.archive.bases()) == 1
    assert not (archiver.archive.wal / f"{begins}.gz").exists()
    assert not (archiver.archive.folder / "files/old.parquet").exists()
    assert (archiver.archive.folder / "files/new.parquet").exists(), "it went after the oldest moment"


def test_a_segment_is_archived_whole_once_and_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    segment = tmp_path / "000000010000000000000001"
    segment.write_bytes(os.urandom(1000) + bytes(10_000))

    def archive() -> int:
        command = wal.archive_command(folder).replace("%p", str(segment)).replace("%f", segment.name).replace("%%", "%")
        return subprocess.run(["/bin/sh", "-c", command]).returncode

    assert archive() == 0
    kept = folder / f"{segment.name}.gz"
    assert gzip.decompress(kept.read_bytes()) == segment.read_bytes()
    assert archive() == 0, "PostgreSQL asks again when it died before it noted the success"
    segment.write_bytes(b"another")
    assert archive() != 0
    assert [path.name for path in folder.iterdir()] == [kept.name]
    shutil.rmtree(folder)
    assert archive() != 0, "a disk that is not mounted"


def test_a_database_goes_on_in_its_series_and_another_begins_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with pytest.raises(NoPlace, match="mkdir -p"):
        claim(portal_in(tmp_path / "one", folder))
    folder.mkdir()
    one = portal_in(tmp_path / "one", folder)
    claim(one)
    first = archive_of(one)
    claim(one)
    assert archive_of(one) == first
    assert [path for path in folder.iterdir() if path.stat().st_mode & 0o066] == [], "others pass through at most"
    claim(portal_in(tmp_path / "one", ""))
    assert archive_of(one) is None, "without the setting something is missing from the series"
    claim(one)
    second = archive_of(one)
    assert series_in(folder) == [first, second]
    shutil.rmtree(one.data)
    restored = portal_in(tmp_path / "one", folder)
    assert archive_of(restored) is None, "a restored database archives nothing before it has a series of its own"
    claim(restored)
    assert len(series_in(folder)) == 3


def test_a_disk_that_is_away_stops_no_start_and_is_not_written_beside(archived: tuple[Portal, Keeper]) -> None:
    portal, archiver = archived
    folder = archiver.archive.folder
    folder.rename(folder.with_name("away"))
    claim(portal)
    assert archive_of(portal) == archiver.archive
    with pytest.raises(keeper.NotArchived, match="mount its disk"):
        archiver.round()
    assert not folder.exists()


def test_an_archive_lies_neither_in_what_is_archived_nor_around_it(tmp_path: Path) -> None:
    store = tmp_path / "store"
    for place in (tmp_path / "one", tmp_path / "one/archive", store / "archive", tmp_path):
        portal = portal_in(tmp_path / "one", place, files_url=f"file://{store}")
        place.mkdir(parents=True, exist_ok=True)
        with pytest.raises(NoPlace, match="lost together"):
            claim(portal)


def test_a_path_that_depends_on_where_one_stands_is_refused() -> None:
    found = problems(Settings(archive="backups/archive"))
    assert [one.setting for one in found] == ["archive"]


@pytest.mark.parametrize(("name", "value"), [("database_url", "postgresql://a@b/c"), ("files_url", "s3://bucket/folder")])
def test_what_lies_elsewhere_is_not_archived_here(name: str, value: str) -> None:
    found = [one for one in problems(Settings(**{name: value, "archive": "/archive"})) if one.setting == "archive"]  # type: ignore[arg-type]
    assert len(found) == 1
    assert name in found[0].sentence


def test_the_doctor_tells_an_archive_that_is_late(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    portal = portal_in(tmp_path / "data", tmp_path / "archive")
    claim(portal)
    archive = archive_of(portal)
    assert archive is not None
    for minutes, findings in ((0, 0), (4, 0), (6, 1)):
        write(archive.complete, {"until": (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()})
        assert len(list(doctor._archive(portal, archive))) == findings


def test_a_round_that_fails_is_told_and_the_next_one_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tries: list[int] = []

    def round_(_: Keeper) -> datetime:
        tries.append(1)
        if len(tries) == 3:
            raise SystemExit
        raise keeper.NotArchived("PostgreSQL has not\narchived")

    monkeypatch.setattr(Keeper, "round", round_)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    portal = portal_in(tmp_path / "data", tmp_path / "archive")
    (order,) = processes.archiver(portal, Archive(tmp_path / "archive")).command[3:]
    with pytest.raises(SystemExit):
        keeper.main(order)
    assert capsys.readouterr().out.count("not archived: PostgreSQL has not archived\n") == 2


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_portal_that_is_lost_is_made_again_as_it_was_at_a_moment(tmp_path: Path) -> None:
    """It is killed and its disk is gone; what was withdrawn later stays withdrawn, and what came later is not there."""
    archive, data = tmp_path / "archive", tmp_path / "data"
    archive.mkdir()
    settings = {"KZOPEN_ARCHIVE": str(archive), "KZOPEN_ARCHIVE_SECONDS": "5", "KZOPEN_REQUIRE_SECOND_FACTOR": "false"}
    with portal_at(data, free_port(), demo=False, environment=settings) as live:
        old = OldPortal(live)
        owner = old.action("organization_create", name="archived")["name"]
        for name in ("archive-kept", "archive-withdrawn"):
            old.register(name, owner)
            old.publish(name, TABLES[1])
        wait_until_complete(archive, data)
        time.sleep(1)
        moment = datetime.now(UTC)
        old.publish("archive-kept", TABLES[2])
        ordered = old.client.post("/api/universal/v1/datasets/archive-withdrawn/withdraw", json={"reason": REASON})
        assert ordered.status_code == 200, ordered.text
        wait_until_complete(archive, data)
        status = json.loads((data / "run" / "status.json").read_text())
        for process in [status["pid"], *(one["pid"] for one in status["processes"])]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(data)
    made = tmp_path / "made"
    said = run_launcher("restore", str(archive), "--at", moment.isoformat(), "--data", str(made))
    assert "archive-withdrawn, withdrawn on" in said
    with portal_at(made, free_port(), demo=False, environment={"KZOPEN_REQUIRE_SECOND_FACTOR": "false"}) as live:
        new = OldPortal(live)
        assert [row[2] for row in new.rows("archive-kept")] == [512, 480]
        versions = new.client.get("/api/universal/v1/datasets/archive-kept/versions").json()["versions"]
        assert [version["number"] for version in versions] == [1]
        assert new.client.get("/data/archive-withdrawn.csv").status_code == 410
        new.publish("archive-kept", TABLES[2])
        assert [row[2] for row in new.rows("archive-kept")] == [530, 77]
        assert "all is well" in run_launcher("doctor", "--deep", "--data", str(made))


def wait_until_complete(archive: Path, data: Path) -> None:
    """Until the archive holds this moment; a round is five seconds."""
    wanted, until = datetime.now(UTC), time.monotonic() + 60
    while (found := series_in(archive)[0].complete_until()) is None or found < wanted:
        assert time.monotonic() < until, (found, (data / "logs/archiver.log").read_text())
        time.sleep(0.2)
