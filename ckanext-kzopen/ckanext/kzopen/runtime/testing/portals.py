"""The services of tests: for each lane a PostgreSQL, a Valkey, an indexer and a worker of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
from ckanext.kzopen.runtime import processes, services
from ckanext.kzopen.runtime.configuration import socket_url, write_ini
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.serve import start_services
from ckanext.kzopen.runtime.supervisor import Supervisor
from ckanext.kzopen.runtime.testing.suites import Suite
from psycopg import sql


@contextmanager
def test_portal(portal: Portal, suite: Suite) -> Iterator[Path]:
    """Services, databases and processes for one suite; the path of its ini. All end with the block."""
    with test_portals([portal], suite) as inis:
        yield inis[0]


test_portal.__test__ = False  # type: ignore[attr-defined]


@contextmanager
def test_portals(portals: list[Portal], suite: Suite) -> Iterator[list[Path]]:
    """The same for several lanes, whose databases are prepared at the same time; the paths of their inis."""
    supervisors = [Supervisor(portal) for portal in portals]
    try:
        _make_directories(portals)
        for portal, supervisor in zip(portals, supervisors, strict=True):
            start_services(portal, supervisor)
            fresh_databases(portal, suite.name)
        inis = [write_ini(portal, options_of(portal, suite)) for portal in portals]
        _prepare(portals)
        for portal, supervisor in zip(portals, supervisors, strict=True):
            _start_helpers(portal, supervisor, suite)
        for portal, supervisor in zip(portals, supervisors, strict=True):
            if _is_ours(portal):
                supervisor.wait_for(processes.indexer(portal), 60)
        yield inis
    finally:
        for supervisor in supervisors:
            supervisor.stop()


test_portals.__test__ = False  # type: ignore[attr-defined]


def _make_directories(portals: list[Portal]) -> None:
    """The directories of all database servers, side by side; servers are started by the main thread, with which they end."""
    services.service_user()  # made once, not by two at the same time
    for portal in portals:
        portal.make_folders()
    with ThreadPoolExecutor() as beside:
        list(beside.map(services.init_postgres, portals))


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


def _prepare(portals: list[Portal]) -> None:
    """Migrations and first accounts of all portals, side by side."""
    running = []
    for portal in portals:
        portal.accounts.unlink(missing_ok=True)
        command = [sys.executable, "-m", "ckanext.kzopen.runtime.prepare", str(portal.ini), str(portal.accounts)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/"))
    said = [process.communicate()[0] for process in running]
    for process, words in zip(running, said, strict=True):
        if process.returncode:
            sys.exit(f"{words}\npreparing the databases of the tests failed")


def _start_helpers(portal: Portal, supervisor: Supervisor, suite: Suite) -> None:
    if _is_ours(portal):
        supervisor.start(processes.indexer(portal))
    for process in processes.background(portal):
        if process.name == "worker" and suite.worker:
            supervisor.start(process)


def _is_ours(portal: Portal) -> bool:
    """Whether search goes through us: with CKAN's own there is no indexer."""
    return not portal.settings.search_url.startswith("solr:")
