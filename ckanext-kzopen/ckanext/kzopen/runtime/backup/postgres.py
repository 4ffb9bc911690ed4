"""What a backup asks of PostgreSQL: the databases as they were at one moment, and back.

Of DataStore only the tables are taken that CKAN's own actions made: those of versions are made anew from the stored files.
That halves the archive, and a dump locks no table that publishing wants to replace meanwhile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psycopg
from ckanext.kzopen.runtime.backup import archive
from ckanext.kzopen.runtime.services import BIN
from psycopg.conninfo import conninfo_to_dict, make_conninfo

MAIN, DATASTORE = "sqlalchemy.url", "ckan.datastore.write_url"
"""The databases by their names in CKAN's ini."""
DUMPS = {MAIN: archive.MAIN, DATASTORE: "datastore.dump"}
"""Which database lies in which member; an archive without tables of CKAN's own has none of DataStore."""

_SIGNING = "SELECT {}(hashtextextended('kzopen.record.key', 0))"
_TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND NOT starts_with(relname, '_') AND coalesce(obj_description(oid), '') NOT LIKE '{"kzopen"%'
"""
_ALIASES = """
    SELECT name, min(alias_of) FROM _table_metadata WHERE alias_of IS NOT NULL GROUP BY name HAVING count(*) = 1
"""
FULL = "SELECT EXISTS (SELECT FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'kzopen'))"


class Refused(Exception):
    """A database cannot be dumped or filled; the message says what to do."""


class Vanished(Refused):
    """A table went while it was looked for: the next try does not find it."""


_OF_VANISHED = ("does not exist", "cache lookup failed", "could not open relation")


@contextmanager
def one_moment(addresses: Mapping[str, str]) -> Iterator[dict[str, psycopg.Connection[Any]]]:
    """A connection to each database that sees it as it was now, until the end of the block."""
    with psycopg.connect(addresses[DATASTORE]) as datastore, psycopg.connect(addresses[MAIN]) as main:
        for connection in (datastore, main):
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute("SELECT 1")
        yield {MAIN: main, DATASTORE: datastore}


@contextmanager
def nobody_signs(address: str) -> Iterator[None]:
    """The record signs no head in the block, so its journal knows of just the heads in the database."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(_SIGNING.format("pg_advisory_lock"))
        yield


def dump_main(connection: psycopg.Connection[Any], address: str, target: Path) -> None:
    """Write what the connection sees of the portal's database to a file; raises Refused."""
    _dump(connection, address, target, [])


def dump_datastore(connection: psycopg.Connection[Any], address: str, target: Path) -> None:
    """The same of DataStore's tables that belong to no version, with their aliases; no file when there are none."""
    tables = {str(name) for (name,) in connection.execute(_TABLES)}
    aliases = [str(name) for name, table in connection.execute(_ALIASES) if table in tables] if tables else []
    if tables:
        _dump(connection, address, target, [f'--table=public."{name}"' for name in sorted([*tables, *aliases])])


def _dump(connection: psycopg.Connection[Any], address: str, target: Path, more: list[str]) -> None:
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    snapshot = str(row[0]) if row else ""
    options = ["--format=custom", "--compress=gzip:1", "--no-owner", "--no-acl", f"--snapshot={snapshot}"]
    _run("pg_dump", address, [*options, *more, f"--file={target}"])


def aliases_of_versions(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The other names that tables of versions have in DataStore, with the table of each."""
    tables = {str(name) for (name,) in connection.execute(_TABLES)}
    return {str(name): str(table) for name, table in connection.execute(_ALIASES) if table not in tables}


def check_empty(address: str) -> None:
    """Raise Refused unless the database has no table."""
    with psycopg.connect(address) as connection:
        row = connection.execute(FULL).fetchone()
        if row and row[0]:
            raise Refused(f"the database {connection.info.dbname} is not empty; restore into a new one")


def fill(address: str, source: Path) -> None:
    """Put a dump into a database; raises Refused."""
    _run("pg_restore", address, ["--no-owner", "--no-acl", "--exit-on-error", "--jobs=2", str(source)])


def fill_as_far_as_it_goes(address: str, source: Path) -> list[str]:
    """The same, going on behind what cannot be made (tables may call functions that no dump of tables holds); its errors."""
    done = _ran("pg_restore", address, ["--no-owner", "--no-acl", str(source)])
    return _errors(done)


def read_through(dump: IO[bytes]) -> str:
    """Read a dump to its end as a restore would, into no database; what is wrong with it, "" when nothing is."""
    command = [str(BIN / "pg_restore"), "--format=custom", "--file=/dev/null"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/") as reader:
        assert reader.stdin  # noqa: S101 (asked for)
        with suppress(BrokenPipeError):
            shutil.copyfileobj(dump, reader.stdin)
        _, said = reader.communicate()
    return (said.decode(errors="replace").strip() or f"pg_restore ended with {reader.returncode}") if reader.returncode else ""


def _run(program: str, address: str, options: list[str]) -> None:
    done = _ran(program, address, options)
    if done.returncode:
        words = (_errors(done) or [done.stderr.strip() or "no words"])[0]
        kind = Vanished if any(sign in words for sign in _OF_VANISHED) else Refused
        raise kind(f"{program} failed: {words}")


def _errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if "error:" in line]


def _ran(program: str, address: str, options: list[str]) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs; the password goes by the environment, where other accounts do not read it."""
    told: dict[str, Any] = conninfo_to_dict(address)
    password = str(told.pop("password", None) or "")
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    command = [str(BIN / program), f"--dbname={make_conninfo(**told)}", *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/")
