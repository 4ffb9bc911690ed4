"""The services of tests: for each lane a PostgreSQL, a Valkey, an indexer and a worker of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import disk_usage, rmtree
from tempfile import TemporaryDirectory

import psycopg
from ckanext.kzopen.runtime import processes, services
from ckanext.kzopen.runtime.configuration import socket_url, write_ini
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.serve import start_services
from ckanext.kzopen.runtime.supervisor import Supervisor
from ckanext.kzopen.runtime.testing.suites import Suite
from psycopg import sql

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
"""What is written here waits for no disk."""
ROOM = 2 << 30
"""Bytes that must be free there: containers often have a few MB."""


@contextmanager
def test_portal(portal: Portal, suite: Suite) -> Iterator[Path]:
    """Services, databases and processes for one suite or benchmark; the path of its ini. All end with the block.

    They wait for the disk as those of a portal do.
    """
    with _portals([portal], suite) as inis:
        yield inis[0]


test_portal.__test__ = False  # type: ignore[attr-defined]


@contextmanager
def test_portals(portals: list[Portal], suite: Suite) -> Iterator[list[Path]]:
    """The same for several lanes, which wait for no disk; the paths of their inis."""
    with ExitStack() as stack:
        for portal in portals:
            stack.enter_context(_in_memory(portal))
        yield stack.enter_context(_portals(portals, suite, do_not_wait_for_disk))


test_portals.__test__ = False  # type: ignore[attr-defined]


@contextmanager
def _portals(
    portals: list[Portal], suite: Suite, with_postgres: Callable[[Portal], None] = lambda _portal: None
) -> Iterator[list[Path]]:
    """The first is prepared, the others get copies; `with_postgres` is called when its PostgreSQL has started."""
    first, *others = portals
    supervisors = [Supervisor(portal) for portal in portals]
    try:
        inis = [_prepared(first, supervisors[0], suite, with_postgres)]
        if others:
            supervisors[0].stop()
            if (first.postgres / "postmaster.pid").exists():
                sys.exit("the first lane's PostgreSQL has not stopped; run the tests again")
            supervisors[0] = Supervisor(first)
            inis += [_copied(first, other, suite) for other in others]
            for portal, supervisor in zip(portals, supervisors, strict=True):
                start_services(portal, supervisor)
        for portal, supervisor in zip(portals, supervisors, strict=True):
            _start_helpers(portal, supervisor, suite)
        for portal, supervisor in zip(portals, supervisors, strict=True):
            if _is_ours(portal):
                supervisor.wait_for(processes.indexer(portal), 60)
        yield inis
    finally:
        for supervisor in supervisors:
            supervisor.stop()


@contextmanager
def folder_in_memory() -> Iterator[Path | None]:
    """A folder that is there as long as the block takes and waits for no disk; None where memory has no room for it."""
    if not MEMORY.is_dir() or disk_usage(MEMORY).free < ROOM:
        yield None
        return
    with TemporaryDirectory(prefix="kzopen-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _in_memory(portal: Portal) -> Iterator[None]:
    """The index and stored files, which are brought to the disk one by one, lie in memory as long as the block takes."""
    links = (portal.index, portal.files)
    portal.data.mkdir(parents=True, exist_ok=True)
    with folder_in_memory() as folder:
        for link in links:
            _forget(link)
            if folder:
                (folder / link.name).mkdir()
                link.symlink_to(folder / link.name)
        try:
            yield
        finally:
            for link in links:
                _forget(link)


def _forget(place: Path) -> None:
    """Remove a folder, or a link and the folder in memory to which it led, which a run that was killed has left."""
    if not place.is_symlink():
        rmtree(place, ignore_errors=True)
        return
    folder = place.readlink().parent
    place.unlink()
    if folder.parent == MEMORY:
        rmtree(folder, ignore_errors=True)


def do_not_wait_for_disk(portal: Portal) -> None:
    """Have the running PostgreSQL write without waiting until it is on the disk: tests kill processes, and what a process has
    written outlives it; only the death of a machine would lose it.
    """
    with psycopg.connect(host=str(portal.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def _prepared(portal: Portal, supervisor: Supervisor, suite: Suite, with_postgres: Callable[[Portal], None]) -> Path:
    """Services that run, databases with all tables and the first accounts; the path of the ini."""
    portal.make_folders()
    services.init_postgres(portal)
    start_services(portal, supervisor)
    with_postgres(portal)
    fresh_databases(portal, suite.name)
    ini = write_ini(portal, options_of(portal, suite))
    portal.accounts.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ckanext.kzopen.runtime.prepare", str(portal.ini), str(portal.accounts)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")
    if done.returncode:
        sys.exit(f"{done.stdout}\npreparing the databases of the tests failed")
    return ini


def _copied(portal: Portal, other: Portal, suite: Suite) -> Path:
    """What preparing has made in a portal whose services have stopped, in another one, too; the path of that one's ini."""
    other.make_folders()
    for made in (portal.postgres, portal.languages, portal.data / "record", portal.secrets, portal.accounts):
        place = other.data / made.name
        subprocess.run(["rm", "-rf", str(place)], check=True)
        subprocess.run(["cp", "-a", str(made), str(place)], check=True)  # also to whom it belongs
    services.give(other.sockets, services.service_user())
    return write_ini(other, options_of(other, suite))


def options_of(portal: Portal, suite: Suite) -> dict[str, str]:
    """Addresses of the suite's own databases, over which its options go."""
    own = {
        "sqlalchemy.url": socket_url("kzopen", f"{suite.name}_ckan", portal.sockets),
        "ckan.datastore.write_url": socket_url("kzopen", f"{suite.name}_datastore", portal.sockets),
        "ckan.datastore.read_url": socket_url("kzopen_reader", f"{suite.name}_datastore", portal.sockets),
        "ckan.redis.url": f"unix://{portal.sockets}/valkey.sock?db={suite.redis_database}",
    }
    if "ckan.files.storage.default.type" in suite.options:
        own["ckan.files.storage.default.path"] = str(portal.data / "storage")
    return own | suite.options


def fresh_databases(portal: Portal, name: str) -> None:
    """Drop and make the suite's two databases."""
    with psycopg.connect(host=str(portal.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
        for database in (f"{name}_ckan", f"{name}_datastore"):
            identifier = sql.Identifier(database)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER kzopen TEMPLATE template0 ENCODING 'UTF8'").format(identifier)
            )


def _start_helpers(portal: Portal, supervisor: Supervisor, suite: Suite) -> None:
    if _is_ours(portal):
        supervisor.start(processes.indexer(portal))
    for process in processes.background(portal):
        if process.name == "worker" and suite.worker:
            supervisor.start(process)


def _is_ours(portal: Portal) -> bool:
    """Whether search goes through us: with CKAN's own there is no indexer."""
    return not portal.settings.search_url.startswith("solr:")
