"""Which processes make a portal, and in which order they start."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ckanext.kzopen.runtime import services
from ckanext.kzopen.runtime.archiving.place import Archive, archive_of
from ckanext.kzopen.runtime.portal import Portal

PACKAGE = "ckanext.kzopen"
CKAN = (str(Path(sys.executable).parent / "ckan"),)
FORKSERVER = "forkserver"


@dataclass(frozen=True)
class Process:
    """One process of the portal. `answers` tells whether it does its work; `lasting` ones are restarted when they die.

    One with a `role` is born of the fork server where there is one (`forkserver.ROLES`), else started by its command.
    """

    name: str
    command: list[str]
    answers: Callable[[], bool] = lambda: True
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    lasting: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    role: str = ""


def embedded(portal: Portal) -> list[Process]:
    """The services that no address was given for."""
    found = []
    if not portal.settings.database_url:
        found.append(
            Process(
                "postgres",
                services.postgres_command(portal),
                lambda: services.postgres_answers(portal),
                stop_signal=signal.SIGINT,  # "fast" shut-down: open transactions are rolled back
                user=services.service_user(),
            )
        )
    if not portal.settings.redis_url:
        found.append(Process("valkey", services.valkey_command(portal), lambda: services.valkey_answers(portal)))
    return found


def forkserver(portal: Portal) -> Process:
    """Has CKAN loaded, for those that are born of it."""
    # Where counters lie is decided when they are made, which is while CKAN is loaded.
    environment = {"KZOPEN_INI": str(portal.ini), "PROMETHEUS_MULTIPROC_DIR": str(portal.metrics)}
    return Process(FORKSERVER, [sys.executable, "-m", f"{PACKAGE}.runtime.forkserver"], environment=environment)


def web(portal: Portal) -> Process:
    """gunicorn with the portal's number of workers."""
    environment = forkserver(portal).environment | {
        "KZOPEN_BIND": f"{portal.settings.host}:{portal.settings.port}",
        "KZOPEN_WEB": str(portal.settings.workers),
        "KZOPEN_ACCESS": str(portal.access),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", f"python:{PACKAGE}.runtime.gunicorn_settings"]
    return Process("web", [*command, f"{PACKAGE}.runtime.wsgi:application"], environment=environment, role="web")


def indexer(portal: Portal) -> Process:
    """Keeps the embedded index up to date; it answers when there is an index, which an empty portal has after a moment."""
    command = [sys.executable, "-m", f"{PACKAGE}.search.indexer", str(portal.ini)]
    return Process("indexer", command, lambda: bool(portal.settings.search_url) or (portal.index / "current").exists())


def background(portal: Portal) -> list[Process]:
    """What works behind the pages, beside the indexer."""
    ini = str(portal.ini)
    return [
        Process("worker", [sys.executable, "-m", f"{PACKAGE}.core.jobs.worker", ini], role="worker"),
        Process("ckan-worker", [*CKAN, "-c", ini, "jobs", "worker"], role="ckan-worker"),
        *([archiver(portal, archive)] if (archive := archive_of(portal)) else []),
    ]


def archiver(portal: Portal, archive: Archive) -> Process:
    """Copies into the archive what PostgreSQL does not."""
    files = urlsplit(portal.files_url).path
    sources = {"files": files, "storage": str(portal.data / "storage"), "record": str(portal.data / "record")}
    places = {"archive": archive.folder, "sockets": portal.sockets, "accounts": portal.accounts}
    places |= {"until": portal.archived_until}
    orders = {"sources": sources, "days": portal.settings.archive_days, "seconds": portal.settings.archive_seconds}
    orders |= {name: str(path) for name, path in places.items()}
    return Process("archiver", [sys.executable, "-m", f"{PACKAGE}.runtime.archiving.keeper", json.dumps(orders)])


# One thread a library: the processes already use all cores. Large blocks of memory, and Arrow's, go back at once.
FRUGAL = {
    "OMP_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "2",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(128 << 10),
    "MIMALLOC_PURGE_DELAY": "0",
}


def environment_of(process: Process) -> dict[str, str]:
    """What a process sees of our environment: settings stay out, they are in the ini."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KZOPEN_")}
    return kept | FRUGAL | process.environment
