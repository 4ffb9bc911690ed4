"""Archives of one portal in one folder, named after the moment in which they were made."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from ckanext.kzopen.runtime.backup.making import secrets_of

NAME, BEFORE = "kzopen-{0}-{1:%Y-%m-%dT%H%M%SZ}.tar", "kzopen-before-upgrade-{:%Y-%m-%dT%H%M%SZ}.tar"
"""Of a series, with the portal's host; and of those that are made before an upgrade and belong to none."""


def now() -> datetime:
    """The moment that names an archive, UTC."""
    return datetime.now(UTC)


def name_in(folder: Path, address: str) -> Path:
    """The path of an archive that is made now of the portal at an address."""
    return folder / NAME.format(_host(address), now())


def keep_newest(folder: Path, address: str, number: int) -> list[Path]:
    """Delete all archives of the portal at an address but so many, each with its secrets; the deleted ones.

    Files that were named otherwise, and those of another portal, stay.
    """
    ours = re.compile(rf"kzopen-{re.escape(_host(address))}-\d{{4}}-\d\d-\d\dT\d{{6}}Z\.tar")
    old = sorted(path for path in folder.iterdir() if ours.fullmatch(path.name))[:-number]
    for archive in old:
        archive.unlink()
        secrets_of(archive).unlink(missing_ok=True)
    return old


def _host(address: str) -> str:
    """Host and port of an address as a part of a file's name."""
    return re.sub(r"[^a-z0-9.-]+", "-", urlsplit(address).netloc.lower())
