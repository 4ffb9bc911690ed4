"""Making the portal of a moment out of an archive, in an empty data directory."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from ckanext.kzopen.core.record.heads import TYPE as HEAD
from ckanext.kzopen.runtime import prepare, processes, services
from ckanext.kzopen.runtime.archiving import wal
from ckanext.kzopen.runtime.archiving.keeper import moment_of
from ckanext.kzopen.runtime.archiving.place import Archive, read, series_in
from ckanext.kzopen.runtime.backup import making
from ckanext.kzopen.runtime.backup.agreeing import Tables
from ckanext.kzopen.runtime.backup.restoring import (
    CannotRestore,
    check_place,
    known_later,
    let_agree,
    make_or_leave_nothing,
)
from ckanext.kzopen.runtime.configuration import addresses, write_ini
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import read_private, write_private
from ckanext.kzopen.runtime.serve import UNFINISHED, start_services
from ckanext.kzopen.runtime.services import as_user, service_user
from ckanext.kzopen.runtime.supervisor import NotReady, Supervisor

Say = Callable[[str], None]
STARTS = 3
"""So often PostgreSQL may end while it reads the log; then something in the archive stops it."""


@dataclass(frozen=True)
class Moment:
    """Which moment of the archive in `folder` is wanted (None: the last), and further places that know of withdrawals."""

    folder: Path
    at: datetime | None = None
    lists: Sequence[Path] = ()
    takes_over: bool = False


@dataclass(frozen=True)
class Way:
    """How a moment is reached: from a base copy of a series, by its log."""

    archive: Archive
    base: Path
    at: datetime


def restore(portal: Portal, wanted: Moment, say: Say) -> None:
    """Make the portal of a moment. Raises CannotRestore, and then leaves nothing; Incomplete, and then leaves the portal."""
    if portal.settings.database_url:
        raise CannotRestore("an archive is restored into the portal's own PostgreSQL: leave database_url empty")
    check_place(portal, wanted.takes_over)
    try:
        way = reached(wanted.folder, wanted.at)
        series = [one.folder for one in series_in(wanted.folder)]
        kept = read_private(way.archive.secrets)
    except OSError as error:
        raise CannotRestore(f"{error.filename or wanted.folder} cannot be read: {error.strerror or error}") from error
    if not {"secrets", "accounts"} <= kept.keys():
        raise CannotRestore(f"{way.archive.secrets} is missing or damaged: without it nobody can sign in")
    lists = [*series, *wanted.lists]
    make_or_leave_nothing(portal, lambda supervisor: _restore(portal, supervisor, way, kept, lists, say))


def reached(folder: Path, at: datetime | None) -> Way:
    """The way to a moment, by default the last one; raises CannotRestore when no series of the archive has it."""
    spans = [
        (one, moment_of(one.bases()[0]), until) for one in series_in(folder) if (until := one.complete_until()) and one.bases()
    ]
    spans = [span for span in spans if span[1] <= span[2]]
    if not spans:
        raise CannotRestore(f"{folder} is no archive of a portal, or holds no complete moment yet")
    wanted = at or max(until for _, _, until in spans)
    fitting = [one for one, since, until in spans if since <= wanted <= until]
    if not fitting:
        told = ", ".join(f"{_told(since + timedelta(seconds=1))} to {_told(until)}" for _, since, until in spans)
        raise CannotRestore(f"{folder} has no such moment; it reaches from {told}")
    bases = [base for base in fitting[-1].bases() if moment_of(base) <= wanted]
    return Way(fitting[-1], bases[-1], wanted)


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _restore(
    portal: Portal, supervisor: Supervisor, way: Way, kept: dict[str, Any], lists: Sequence[Path], say: Say
) -> Tables:
    later = known_later(lists, say)
    unfinished = portal.data / UNFINISHED
    unfinished.mkdir(parents=True, mode=0o700)
    portal.make_folders()
    write_private(portal.secrets, kept["secrets"])
    write_private(portal.accounts, kept["accounts"])
    write_ini(portal)
    say("files …")
    _bring_files(portal, way)
    say(f"the database server of {_told(moment_of(way.base))} …")
    _unpack(portal, way.base)
    say("its log since then …")
    _replay(portal, supervisor, way)
    start_services(portal, supervisor)
    lost = _cut_journal(portal)
    prepare.prepare(portal)
    tables = let_agree(portal, later, {}, say)
    if lost:
        say(f"! {lost} heads of the public record were signed after that moment: tell its readers which log goes on")
    shutil.rmtree(unfinished)  # the last: until then `serve` does not start the portal
    if not tables.lacking:
        say(f"the portal is as it was on {_told(way.at)}")
    return tables


def _bring_files(portal: Portal, way: Way) -> None:
    """All files but those that were gone by then."""
    gone = read(way.archive.gone)
    before = {way.archive.folder / name for name, since in gone.items() if datetime.fromisoformat(since) < way.at}

    def bring(source: Path, target: Path) -> None:
        if source not in before:
            shutil.copy2(source, target)

    for name, target in _places(portal).items():
        making.each_file(way.archive.folder / name, target, bring)


def _places(portal: Portal) -> dict[str, Path]:
    files = making.files_folder(portal)
    return {"storage": portal.data / "storage", "record": portal.data / "record"} | ({"files": files} if files else {})


def _unpack(portal: Portal, base: Path) -> None:
    """The base copy as the server's directory, its own account's."""
    user = service_user()
    services.give(portal.postgres, user)
    with tarfile.open(base / "base.tar.gz") as tar:
        tar.extractall(portal.postgres, filter="data")
    _hand_over(portal.postgres, user)
    services.init_postgres(portal)  # the folder of sockets; the directory itself is there


def _hand_over(folder: Path, user: str | None) -> None:
    """Make a folder and all below it the account's alone."""
    as_them = as_user(user)
    for place, _inner, names in os.walk(folder):
        for path in (Path(place), *(Path(place) / name for name in names)):
            path.chmod(0o700 if path.is_dir() else 0o600)
            if user:
                shutil.chown(path, user, as_them["group"])


def _replay(portal: Portal, supervisor: Supervisor, way: Way) -> None:
    """Let PostgreSQL read the log up to the moment; it takes connections when it has."""
    needed = portal.data / UNFINISHED / "wal"
    needed.mkdir()
    for path in wal.needed(way.archive.wal, wal.first_segment(way.base)):
        shutil.copy2(path, needed / path.name)
    _hand_over(needed, service_user())
    services.let_through(needed)
    told = {"restore_command": wal.restore_command(needed), "hot_standby": "off"}
    told |= {"recovery_target_time": way.at.isoformat(), "recovery_target_action": "promote"}
    own = portal.postgres / "postgresql.auto.conf"
    before = own.read_bytes()
    own.write_bytes(before + "".join(f"{name} = '{_quoted(value)}'\n" for name, value in told.items()).encode())
    (portal.postgres / "recovery.signal").touch()
    _hand_over(portal.postgres, service_user())
    (postgres,) = (process for process in processes.embedded(portal) if process.name == "postgres")
    supervisor.start(postgres)
    while not postgres.answers():
        supervisor.look_after()
        if supervisor.stopping or supervisor.states[postgres.name].restarts >= STARTS:
            raise NotReady(postgres.name)
    own.write_bytes(before)


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def _cut_journal(portal: Portal) -> int:
    """Take the heads out of the journal that were signed over leaves of after the moment; how many there were."""
    with psycopg.connect(addresses(portal)["sqlalchemy.url"]) as connection:
        row = connection.execute("SELECT count(*) FROM kzopen.leaf WHERE index IS NOT NULL").fetchone()
    size, journal = row[0] if row else 0, portal.data / "record" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
    stay = [line for line in lines if not _is_later(line, size)]
    if len(stay) < len(lines):
        journal.write_bytes(b"".join(stay))
    return len(lines) - len(stay)


def _is_later(line: bytes, size: int) -> bool:
    try:
        said: Any = json.loads(line)
    except ValueError:  # cut off by a crash
        return False
    return isinstance(said, dict) and said.get("type") == HEAD and int(said["size"]) > size
