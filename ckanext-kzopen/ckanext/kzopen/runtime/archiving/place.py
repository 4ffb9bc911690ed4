"""Where things lie in an archive.

The folder of the settings holds one series for each time that a database began to be archived without a break: at the first
start, after a restore, after a time without the setting. The portal's own note, in its data directory, names its series.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ckanext.kzopen.core.files.disk import sync
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import keys_of, read_private, write_private
from ckanext.kzopen.runtime.services import give, service_user

STAMP = "%Y-%m-%dT%H%M%S.%fZ"
"""Names of base copies, the moment (UTC) from which on they can be begun from; and of series, when they began."""

SOURCES = ("files", "storage", "record")
"""Folders of the portal that are copied, by their names in the archive."""


class NoPlace(Exception):
    """Nothing can be archived into the folder of the settings; the message says why and what helps."""


@dataclass(frozen=True)
class Archive:
    """One series of an archive by its folder."""

    folder: Path

    @property
    def wal(self) -> Path:
        """Segments of PostgreSQL's log, written by its own account."""
        return self.folder / "wal"

    @property
    def base(self) -> Path:
        """Copies of the database server."""
        return self.folder / "base"

    @property
    def secrets(self) -> Path:
        """The portal's secrets and first accounts, as a backup writes them beside its archive."""
        return self.folder / "secrets.json"

    @property
    def owner(self) -> Path:
        """The address of the portal that writes here; while it is away, nothing is written."""
        return self.folder / "owner.json"

    @property
    def complete(self) -> Path:
        """Up to which moment everything is here."""
        return self.folder / "complete.json"

    @property
    def gone(self) -> Path:
        """When files were first missing from the portal."""
        return self.folder / "gone.json"

    def complete_until(self) -> datetime | None:
        """The last moment that can be restored; None while there is none."""
        until = read(self.complete).get("until")
        return datetime.fromisoformat(until) if until else None

    def bases(self) -> list[Path]:
        """The base copies, oldest first."""
        found = self.base.iterdir() if self.base.is_dir() else ()
        return sorted(path for path in found if not path.name.startswith("."))


def read(path: Path) -> dict[str, Any]:
    """One of the archive's notes; empty when it is not there, or its disk does not answer."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write(path: Path, content: dict[str, Any]) -> None:
    """Put a note in the place of the old one, surely."""
    fresh = path.with_name(f"{path.name}.part")
    fresh.write_text(json.dumps(content), encoding="utf-8")
    sync(fresh)
    fresh.replace(path)
    sync(path.parent)


def archive_of(portal: Portal) -> Archive | None:
    """The series into which the portal archives; None when it does not."""
    mark = read(_mark(portal))
    return Archive(Path(mark["folder"]) / mark["series"]) if mark and portal.settings.archive else None


def _mark(portal: Portal) -> Path:
    """The portal's own note of its series."""
    return portal.data / "archive.json"


def series_in(folder: Path) -> list[Archive]:
    """All series of an archive, oldest first; the folder of one series is its own."""
    if Archive(folder).owner.exists():
        return [Archive(folder)]
    return [Archive(path) for path in sorted(folder.iterdir()) if Archive(path).owner.exists()]


def claim(portal: Portal) -> None:
    """Go on with the portal's series, or begin one; a start without the setting ends it. Raises NoPlace for a new series only.

    Whether the disk of a series is there is not asked: PostgreSQL keeps its log until it is, and the doctor and an alert tell.
    """
    mark, folder = _mark(portal), Path(portal.settings.archive)
    if not portal.settings.archive:
        mark.unlink(missing_ok=True)
        portal.archived_until.unlink(missing_ok=True)
    elif read(mark).get("folder") != str(folder):
        try:
            _begin(portal, folder)
        except OSError as error:
            raise NoPlace(f"archive: {folder} cannot be written: {error.strerror or error}") from error


def _begin(portal: Portal, folder: Path) -> None:
    if not folder.is_dir():
        raise NoPlace(f"archive: there is no folder {folder}; mount its disk, or mkdir -p {folder}")
    for place in (portal.data, Path(urlsplit(portal.files_url).path).resolve()):
        if folder.resolve().is_relative_to(place) or place.is_relative_to(folder.resolve()):
            raise NoPlace(f"archive: {folder} and {place} lie within one another and are lost together; name another disk")
    now = datetime.now(UTC)
    archive = Archive(folder / now.strftime(STAMP))
    for name in ("", "base", *SOURCES):
        (archive.folder / name).mkdir(mode=0o700)
    give(archive.wal, service_user())
    write_private(archive.secrets, {"secrets": keys_of(portal), "accounts": read_private(portal.accounts)})
    write(archive.owner, {"portal": portal.settings.address})
    write(portal.archived_until, {"until": now.isoformat()})  # five minutes later somebody is told, if nothing is archived
    write(_mark(portal), {"folder": str(folder), "series": archive.folder.name})
