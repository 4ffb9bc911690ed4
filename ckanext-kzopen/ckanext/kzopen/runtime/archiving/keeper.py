"""The process `archiver`: brings into the archive what PostgreSQL does not; `python -m … ORDERS`, which are JSON.

A round looks at the clock, copies the files that are new, ends the segment of the log in use and waits until PostgreSQL has
archived it. Then the archive is complete until the moment at which the round began: files are written before the transaction
that names them ends.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from ckanext.kzopen.core.files.disk import sync
from ckanext.kzopen.runtime.archiving import wal
from ckanext.kzopen.runtime.archiving.place import STAMP, Archive, read, series_in, write
from ckanext.kzopen.runtime.backup.making import each_file
from ckanext.kzopen.runtime.secrets import read_private, write_private
from ckanext.kzopen.runtime.services import BIN

BASE_DAYS = 7
"""Days after which a new base copy is made: so much of the log a restore reads at most."""
COARSE = 2.0
"""Seconds by which the disk of an archive may round the time of a change."""
PATIENCE = 60.0
"""Seconds in which PostgreSQL archives a segment, else the round is told as failed."""


class NotArchived(Exception):
    """A round did not get to its end; the message says why."""


FAILURES = (OSError, psycopg.Error, NotArchived)


@dataclass
class Keeper:
    """Archives one portal: `sources` are its folders by their names in the archive."""

    archive: Archive
    sockets: Path
    sources: dict[str, Path]
    accounts: Path
    until: Path
    days: int

    def round(self) -> datetime | None:
        """Bring everything up to now into the archive; the moment until which it is complete. Raises one of FAILURES.

        None when the first base copy was made, which only later moments can begin from.
        """
        if not read(self.archive.owner):
            raise NotArchived(f"{self.archive.owner} is not there: mount its disk; if that is lost, name another folder")
        began, until = datetime.now(UTC), None
        with psycopg.connect(host=str(self.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
            for name, folder in self.sources.items():
                each_file(folder, self.archive.folder / name, _bring)
            self._keep_accounts()
            self._end_segment(connection)
            if self.archive.bases():
                until = began
                for note in (self.archive.complete, self.until):
                    write(note, {"until": until.isoformat()})
            if self._wants_base(began):
                self._make_base()
                self._end_segment(connection)
        self._prune(began)
        return until

    def _keep_accounts(self) -> None:
        kept = read_private(self.archive.secrets)
        if kept.get("accounts") != (now := read_private(self.accounts)):
            write_private(self.archive.secrets, kept | {"accounts": now})

    def _end_segment(self, connection: psycopg.Connection[Any]) -> None:
        """End the segment of the log in use with a commit of this moment, and wait until it is archived."""
        # A restore to a moment needs a commit behind it: without one PostgreSQL does not know that it is reached.
        connection.execute("SELECT pg_current_xact_id()")
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        segment, until = self.archive.wal / f"{row[0] if row else ''}{wal.ENDING}", time.monotonic() + PATIENCE
        while not segment.exists():
            if time.monotonic() > until:
                raise NotArchived(f"PostgreSQL has not archived {segment.name} in {PATIENCE:.0f} s; its log says why")
            time.sleep(0.1)

    def _wants_base(self, now: datetime) -> bool:
        bases = self.archive.bases()
        return not bases or moment_of(bases[-1]) < now - timedelta(days=BASE_DAYS)

    def _make_base(self) -> None:
        fresh = self.archive.base / ".part"
        shutil.rmtree(fresh, ignore_errors=True)
        where = ["--host", str(self.sockets), "--username", "postgres", "--pgdata", str(fresh)]
        how = ["--format=tar", "--compress=gzip:1", "--wal-method=none", "--checkpoint=fast", "--no-password"]
        done = subprocess.run([str(BIN / "pg_basebackup"), *where, *how], capture_output=True, text=True, cwd="/")
        if done.returncode:
            raise NotArchived(f"no base copy: {done.stderr}")
        fresh.rename(self.archive.base / datetime.now(UTC).strftime(STAMP))
        sync(self.archive.base)

    def _prune(self, now: datetime) -> None:
        """Delete what no moment of the last days needs: base copies, the log before the oldest, files that went before it."""
        bases, oldest = self.archive.bases(), now - timedelta(days=self.days)
        before = [base for base in bases if moment_of(base) <= oldest]
        for base in before[:-1]:
            shutil.rmtree(base)
        first = before[-1] if before else bases[0]
        needed = set(wal.needed(self.archive.wal, wal.first_segment(first)))
        for path in self.archive.wal.glob(f"*{wal.ENDING}"):
            if path not in needed:
                path.unlink()
        self._prune_files(now, moment_of(first))
        self._prune_series(oldest)

    def _prune_series(self, oldest: datetime) -> None:
        """Delete earlier series of this portal whose last moment is past."""
        ours = read(self.archive.owner)
        for series in series_in(self.archive.folder.parent):
            until = series.complete_until()
            if series.folder.name < self.archive.folder.name and read(series.owner) == ours and until and until < oldest:
                shutil.rmtree(series.folder)

    def _prune_files(self, now: datetime, first: datetime) -> None:
        known = read(self.archive.gone)
        gone = {name: known.get(name, now.isoformat()) for name in self._gone()}
        past = [name for name, since in gone.items() if datetime.fromisoformat(since) < first]
        for name in past:
            (self.archive.folder / name).unlink()
            del gone[name]
        if gone != known:
            write(self.archive.gone, gone)

    def _gone(self) -> list[str]:
        """Files of the archive that the portal has no more."""
        return [
            f"{name}/{path.relative_to(copies)}"
            for name, folder in self.sources.items()
            for copies in [self.archive.folder / name]
            for path in copies.rglob("*")
            if path.is_file() and not (folder / path.relative_to(copies)).exists()
        ]


def moment_of(base: Path) -> datetime:
    """From which moment on a base copy can be begun from."""
    return datetime.strptime(base.name, STAMP).replace(tzinfo=UTC)


def _bring(source: Path, target: Path) -> None:
    """Copy a file that the archive has not, or has as it was before, whole and on the disk."""
    found = source.stat()
    if target.exists():
        there = target.stat()
        if there.st_size == found.st_size and abs(there.st_mtime - found.st_mtime) < COARSE:
            return
    fresh = target.with_name(f"{target.name}.part")
    shutil.copy2(source, fresh)
    sync(fresh)
    fresh.replace(target)


def main(orders: str) -> None:
    """Round after round until told to end; a round that fails is told in the log and tried again."""
    told = json.loads(orders)
    archive, sources = Archive(Path(told["archive"])), {name: Path(path) for name, path in told["sources"].items()}
    places = {name: Path(told[name]) for name in ("sockets", "accounts", "until")}
    keeper = Keeper(archive, sources=sources, days=told["days"], **places)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        try:
            keeper.round()
        except FAILURES as error:
            sys.stdout.write(
                f"{datetime.now(UTC).isoformat(timespec='seconds')} not archived: {' '.join(str(error).split())}\n"
            )
            sys.stdout.flush()
        time.sleep(told["seconds"])


if __name__ == "__main__":
    main(sys.argv[1])
