"""A kind without a portal: what it finds, tells and fetches from a catalogue on this machine."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.web.client import Client, Limits
from ckanext.kzopen.publishing.harvest.kinds import AnyHarvester, Fetched, Found, kind_named
from ckanext.kzopen.publishing.harvest.reach import Reach


def alone(kind: str, settings: Mapping[str, Any], **limits: int) -> AnyHarvester:
    """One that may ask this machine, under the limits."""
    bounds = Limits(**limits)
    made = kind_named(kind)
    return made(made.settings_model(**settings), Reach(Client([ip_network("127.0.0.0/8")], bounds), bounds))


def found(harvester: AnyHarvester, cursor: Any = None) -> list[Found]:
    return [item for page in harvester.discover(cursor) for item in page.items]


def rows(harvester: AnyHarvester, item: Found, folder: Path) -> list[list[str]]:
    return fetched(harvester, item, folder)[1]


def fetched(harvester: AnyHarvester, item: Found, folder: Path) -> tuple[Fetched, list[list[str]]]:
    """As the engine does it for one item: what was learnt of it is known the next time."""
    file = folder / "table"
    harvester.reach.begin_item()
    told = harvester.fetch(item, file)
    assert told is not None
    harvester.reach.validators = dict(harvester.reach.fresh)
    with file.open(encoding="utf-8", newline="") as text:
        return told, list(csv.reader(text))
