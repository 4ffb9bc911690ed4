"""A source opened for one job: its kind with its settings, and the way to the outside with its limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.addresses import networks
from ckanext.kzopen.core.web.client import Client, Limits
from ckanext.kzopen.publishing.harvest import kinds, settings
from ckanext.kzopen.publishing.harvest.landing import Visit
from ckanext.kzopen.publishing.harvest.model import Run, Source
from ckanext.kzopen.publishing.harvest.reach import Reach
from ckanext.kzopen.publishing.site import configured
from sqlalchemy.orm import Session

UNPACKED = 4
"""How many times larger an answer may be when it is unpacked."""


@contextmanager
def visit(session: Session, source: Source, run: Run) -> Iterator[Visit]:
    """The source of a run, ready to be asked; the connections end with the block."""
    wanted = settings.defaults_of(source)
    owner = model.Group.get(source.agency_id)
    with reach(wanted) as outside:
        harvester = kinds.kind_named(source.kind)(settings.settings_of(source), outside)
        yield Visit(session, configured(), source, run, harvester, wanted, owner.name if owner else source.agency_id)


def reach(wanted: settings.Defaults) -> Reach:
    """The way to the outside under a source's limits."""
    received = wanted.megabytes * 1_000_000
    limits = Limits(total=wanted.seconds, received=received, unpacked=received * UNPACKED)
    client = Client(networks(tk.config["kzopen.internal_networks"] or ""), limits)
    return Reach(client, limits, wanted.pause)


def host_of(source: Source) -> str:
    """The machine that a source's jobs ask, so that only so many of them ask it at once; the source where none is told."""
    address = str(source.settings.get("address") or "")
    return urlsplit(address).hostname or f"source {source.id}"
