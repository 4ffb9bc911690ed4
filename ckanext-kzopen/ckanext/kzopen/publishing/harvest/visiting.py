"""A source opened for one job: its kind with its settings, and the way to the outside with its limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.addresses import networks
from ckanext.kzopen.core.web.client import Client, Limits
from ckanext.kzopen.publishing.harvest import kinds, settings
from ckanext.kzopen.publishing.harvest.landing import Visit
from ckanext.kzopen.publishing.harvest.model import OPEN, Run, Source
from ckanext.kzopen.publishing.harvest.patience import TRIES
from ckanext.kzopen.publishing.harvest.reach import Reach
from ckanext.kzopen.publishing.site import configured
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

UNPACKED = 4
"""How many times larger an answer may be when it is unpacked."""
GLANCE = 1.0
"""Least seconds between two looks whether a run was ended meanwhile."""


@contextmanager
def visit(session: Session, source: Source, run: Run) -> Iterator[Visit]:
    """The source of a run, ready to be asked; the connections end with the block."""
    wanted = settings.defaults_of(source)
    owner = model.Group.get(source.agency_id)
    given = settings.settings_of(source)
    with reach(wanted, given, _ended(session, run)) as outside:
        outside.last_try = run.attempts >= TRIES - 1
        harvester = kinds.kind_named(source.kind)(given, outside)
        yield Visit(session, configured(), source, run, harvester, wanted, owner.name if owner else source.agency_id)


def reach(wanted: settings.Defaults, given: kinds.Settings, ended: Callable[[], bool]) -> Reach:
    """The way to the outside under a source's limits, with what it has to know of the source's settings."""
    received = wanted.megabytes * 1_000_000
    limits = Limits(total=wanted.seconds, received=received, unpacked=received * UNPACKED)
    client = Client(networks(tk.config["kzopen.internal_networks"] or ""), limits)
    keys = [value.get_secret_value() for _name, value in given if isinstance(value, SecretStr)]
    home = getattr(given, "address", "")
    return Reach(
        client,
        limits,
        wanted.pause,
        home=home if isinstance(home, str) else "",
        keys=[key for key in keys if key],
        ended=ended,
    )


def _ended(session: Session, run: Run) -> Callable[[], bool]:
    """Whether somebody has ended the run meanwhile, looked at now and then by a connection of its own: that of the session
    is in the midst of an item."""
    wanted = select(Run.state).where(Run.id == run.id)
    looked, ended = 0.0, False

    def look() -> bool:
        nonlocal looked, ended
        if time.monotonic() > looked + GLANCE:
            with session.get_bind().engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
                ended = own.scalar(wanted) not in OPEN
            looked = time.monotonic()
        return ended

    return look


def host_of(source: Source) -> str:
    """The machine that a source's jobs ask, so that only so many of them ask it at once; the source where none is told."""
    address = str(source.settings.get("address") or "")
    return urlsplit(address).hostname or f"source {source.id}"
