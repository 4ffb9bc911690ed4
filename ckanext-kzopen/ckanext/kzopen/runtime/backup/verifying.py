"""Whether an archive could be restored, told before the day on which it must be."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.backup import archive, fitting, postgres
from ckanext.kzopen.runtime.backup.restoring import CannotRestore, Incomplete, Wanted, restore
from ckanext.kzopen.runtime.portal import Portal

ELSEWHERE = ("database_url", "datastore_url", "datastore_read_url", "redis_url", "search_url", "files_url", "smtp_url")


class NotWhole(Exception):
    """The archive is worth nothing; the message says what is wrong with it."""


class CannotTry(Exception):
    """Whether the archive can be restored is not known; the message says why."""


def verified(source: Path, secrets: Path) -> archive.Manifest:
    """Read the archive through; what it holds. Raises NotWhole."""
    try:
        kept = _secrets_in(secrets)
        manifest = archive.read_through(source)
        fitting.check(source, secrets, kept, Settings())
        for name in set(postgres.DUMPS.values()) & manifest.members.keys():
            with archive.member(source, name) as dump:
                if wrong := postgres.read_through(dump):
                    raise NotWhole(f"{source}: PostgreSQL cannot read {name}: {wrong}")
    except (archive.Unreadable, fitting.DoNotFit, OSError) as error:
        raise NotWhole(str(error)) from error
    return manifest


def sentence(manifest: archive.Manifest) -> str:
    """What a whole archive holds."""
    size = sum(size for size, _ in manifest.members.values()) / 2**20
    files = sum(name.startswith("files/") for name in manifest.members)
    where = f"{files} stored files" if manifest.files_here else "stored files lie in a bucket and are not in it"
    return f"whole: made {manifest.made} by kzopen {manifest.kzopen}, {size:.1f} MB, {where}; its secrets fit"


def try_to_restore(manifest: archive.Manifest, wanted: Wanted, folder: Path, say: Callable[[str], None]) -> None:
    """Restore a verified archive below `folder` with services of its own, and delete it. Raises NotWhole, CannotTry."""
    if not manifest.files_here:
        raise CannotTry(
            "its stored files lie in a bucket, which a trial must not touch: restore it beside a copy of the bucket"
        )
    with tempfile.TemporaryDirectory(prefix="kzopen-verify-", dir=folder) as place:
        here: dict[str, Any] = {"data": Path(place) / "data", **dict.fromkeys(ELSEWHERE, "")}
        portal = Portal(Settings(**here))
        try:
            restore(portal, wanted, say)
        except (CannotRestore, Incomplete) as error:
            raise NotWhole(f"{wanted.source} cannot be restored: {error}") from error


def _secrets_in(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("secrets")
    except FileNotFoundError as error:
        raise NotWhole(f"there is no file {path}: without the archive's secrets nobody can sign in") from error
    except (ValueError, AttributeError) as error:
        raise NotWhole(f"{path} is not the file of secrets that ./kzopen backup wrote beside the archive") from error
