"""`./kzopen doctor`: looks at a portal, running or not, and names for each finding the command that mends it."""

from __future__ import annotations

import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from ckanext.kzopen.core.settings import problems
from ckanext.kzopen.runtime import libraries, stored
from ckanext.kzopen.runtime.archiving.place import Archive, archive_of
from ckanext.kzopen.runtime.backup.making import left_behind
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.inner_checks import Running
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.prepare import is_prepared
from ckanext.kzopen.runtime.serve import UNFINISHED, again_after_a_restore
from ckanext.kzopen.runtime.status import process_rows, running_pid

LEAST_FREE_MB = 1000
BEHIND = 300
"""Seconds of work that may be missing from the archive."""


@dataclass(frozen=True)
class Finding:
    """Something wrong: where, what in one sentence, and the command that mends it."""

    area: str
    sentence: str
    command: str


@dataclass(frozen=True)
class Examined:
    """One area that was looked at: how much of it, and what was found."""

    area: str
    looked_at: str
    findings: list[Finding]


def examine(portal: Portal, deep: bool = False) -> Iterator[Examined]:
    """All areas, one after the other; those that need a running portal say so when it is not.

    `deep` compares the rows of all tables, too. Of a restore that was not finished nothing else is looked at: it is deleted.
    """
    if (portal.data / UNFINISHED).exists():
        yield _examined("restore", "the portal is not whole", _unfinished(portal))
        return
    yield _examined("settings", "the settings model", _settings(portal))
    if portal.files_url.startswith("s3://"):
        yield _examined("bucket", "a file goes there and back", _bucket(portal))
    yield _examined("versions", "installed libraries against the lock", libraries.astray(portal))
    yield _examined("disk", f"{_free_mb(portal)} MB free", _disk(portal))
    yield _examined("permissions", "files with secrets", _permissions(portal))
    if not running_pid(portal):
        yield Examined("processes", "the portal does not run: databases, index and files were not looked at", [])
        return
    if archive := archive_of(portal):
        yield _examined("archive", _reach(archive), _archive(portal, archive))
    inner = Running(portal.ini, deep)
    yield _examined("processes", f"{len(process_rows(portal))} processes", _processes(portal))
    yield _examined("preparation", "migrations and translations", _preparation(portal))
    try:
        yield from _in_databases(portal)
    except psycopg.OperationalError as error:
        inner.end()
        sentence = f"the database does not answer, so what lies in it was not looked at: {' '.join(str(error).split())}"
        yield Examined("database", "does not answer", [Finding("database", sentence, _database_help(portal))])
        return
    yield _inner(portal, inner, "derived")
    yield _index(portal, inner)
    yield _withdrawals(portal, inner)
    if deep:
        yield _inner(portal, inner, "rows")


def _in_databases(portal: Portal) -> Iterator[Examined]:
    with psycopg.connect(addresses(portal)["sqlalchemy.url"], autocommit=True, connect_timeout=5) as connection:
        count = partial(stored.count, connection)
        yield _examined("jobs", f"{count('procrastinate_jobs')} jobs", stored.jobs(portal, connection))
        yield _examined("mail", f"{count('mail')} mails", stored.mail(portal, connection))
        yield _examined("files", f"{count('version')} versions", stored.files(portal, connection))
        yield _examined("tables", "DataStore against versions", stored.tables(portal, connection))
        yield _record(portal, connection)


def _database_help(portal: Portal) -> str:
    if portal.settings.database_url:
        return "start the server that database_url names, or mend its address in kzopen.toml"
    return f"tail {portal.logs / 'postgres.log'}; then {portal.anew()}"


def _examined(area: str, looked_at: str, findings: Iterator[tuple[str, str]]) -> Examined:
    return Examined(area, looked_at, [Finding(area, sentence, command) for sentence, command in findings])


def _unfinished(portal: Portal) -> Iterator[tuple[str, str]]:
    yield (
        f"a restore into {portal.data} was not finished, or still goes on; serve does not start it",
        f"if none goes on: {again_after_a_restore(portal)}",
    )


def _settings(portal: Portal) -> Iterator[tuple[str, str]]:
    for problem in problems(portal.settings):
        yield str(problem), "edit kzopen.toml, or set the variable; all of them: ./kzopen doctor --settings-page"


def _bucket(portal: Portal) -> Iterator[tuple[str, str]]:
    from ckanext.kzopen.runtime.external import bucket

    for sentence in bucket(portal.files_url):
        yield sentence, "look at the server's log, and at the account and its rights in files_url"


def _free_mb(portal: Portal) -> int:
    return shutil.disk_usage(portal.data).free // 2**20


def _disk(portal: Portal) -> Iterator[tuple[str, str]]:
    if _free_mb(portal) < LEAST_FREE_MB:
        yield f"only {_free_mb(portal)} MB are free; writes will be refused soon", f"du -sh {portal.data}/* | sort -h"
    for place in left_behind(portal):
        yield f"a backup was killed; {place} holds copies, also of what is withdrawn since", f"rm -r {place}"


def _permissions(portal: Portal) -> Iterator[tuple[str, str]]:
    for path in (portal.secrets, portal.accounts, portal.ini):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield f"{path} can be read by others", f"chmod 600 {path}"


def _processes(portal: Portal) -> Iterator[tuple[str, str]]:
    for row in process_rows(portal):
        if row.state not in ("running", "done"):
            yield f"{row.name} is {row.state}; its log: {portal.logs / row.name}.log", portal.anew()


def _reach(archive: Archive) -> str:
    until = archive.complete_until()
    return f"complete until {until.isoformat(timespec='seconds')}" if until else "holds no complete moment yet"


def _archive(portal: Portal, archive: Archive) -> Iterator[tuple[str, str]]:
    until, began = archive.complete_until(), min((row.since for row in process_rows(portal)), default=0.0)
    behind = time.time() - max(until.timestamp() if until else 0.0, began)
    if behind > BEHIND:
        logs = " ".join(str(portal.logs / f"{name}.log") for name in ("archiver", "postgres"))
        late = f"{archive.folder} is {behind / 60:.0f} minutes behind"
        yield f"{late}; what happened since would be lost with this disk", f"tail {logs}"


def _preparation(portal: Portal) -> Iterator[tuple[str, str]]:
    if not is_prepared(portal):
        yield "the databases were prepared for another version of kzopen", portal.anew()


def _inner(portal: Portal, inner: Running, name: str, mend: str = "") -> Examined:
    """A check of CKAN's own process: its last line sums up, those before it are findings.

    Those without a `mend` are of tables, by whose names they begin: `derived` (full-text search and DuckDB files of large
    tables, which follow their publication in the background) and `rows` (DataStore against the versions' files, cell by cell).
    """
    said = inner.said(name)
    *found, last = said.lines or [""]
    if said.died:
        return Examined(name, "could not be looked at", [Finding(name, last, f"tail {portal.logs / 'web.log'}")])
    sentences = [] if said.good else found or [last]
    return Examined(name, last, [Finding(name, one, mend or stored.reload(portal, one)) for one in sentences])


def _record(portal: Portal, connection: psycopg.Connection[Any]) -> Examined:
    from ckanext.kzopen.runtime.recorded import KEY_HELP, key_troubles, verified
    from ckanext.kzopen.runtime.recorded_versions import version_findings

    found = verified(portal)
    said = [*(finding.sentence for finding in found.findings), *version_findings(connection)]
    sentences = [(sentence, KEY_HELP) for sentence in key_troubles(portal, connection)]
    sentences += [
        (sentence, f"{portal.order('record verify')}; docs/record.md, “When something is found”") for sentence in said
    ]
    return _examined("record", f"{found.leaves} leaves and {found.heads} heads recomputed", iter(sentences))


def _index(portal: Portal, inner: Running) -> Examined:
    """Asks the search plugin's own check, which compares ids and hashes of all documents."""
    said = inner.said("index")
    last = (said.lines or [""])[-1]
    return Examined("index", last, [] if said.good else [Finding("index", last, portal.order("search repair"))])


def _withdrawals(portal: Portal, inner: Running) -> Examined:
    """Looks for everything that was withdrawn in every place where it may lie."""
    return _inner(portal, inner, "withdrawals", portal.order("ckan kzopen-withdrawal repair"))


def _summary(portal: Portal, found: int) -> str:
    if found:
        return f"{found} findings"
    left_out = "nothing was found; databases, index and files were not looked at, for the portal does not run"
    return "all is well" if running_pid(portal) else left_out


def report(portal: Portal, say: Callable[[str], None], deep: bool = False) -> int:
    """Print all areas; 0 when nothing was found, else 1."""
    found = 0
    for area in examine(portal, deep):
        say(f"  {'!' if area.findings else '✓'} {area.area:<12} {area.looked_at}")
        for finding in area.findings:
            say(f"      {finding.sentence}\n      → {finding.command}")
        found += len(area.findings)
    say(_summary(portal, found))
    return 1 if found else 0
