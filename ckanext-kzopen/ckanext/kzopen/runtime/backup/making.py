"""Making an archive while the portal runs.

Files are never changed, but some are deleted while others are read. So they are linked, and the database is then looked at as
of one moment: when a file that it names was not among the links, it went in between, and all is done once more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from ckanext.kzopen.runtime.backup import archive, postgres
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import read_private, write_private

TIMES = 5
WORK = ".backup"
RECORD, ALIASES = "record", "aliases.json"
UNFINISHED = (".unfinished-", ".part", WORK)
NEEDED = """
    SELECT f.path FROM kzopen.version_file f JOIN kzopen.version v ON (v.package_id, v.number) = (f.package_id, f.number)
    WHERE v.withdrawn IS NULL
    UNION ALL SELECT path FROM kzopen.delivery WHERE state NOT IN ('refused', 'withdrawn')
"""

Say = Callable[[str], None]


class Gone(Exception):
    """Files that a database names are not there; the message says which."""


class CannotBackUp(Exception):
    """No archive was made; the message says why and what helps."""


def make(portal: Portal, target: Path, say: Say) -> Path:
    """Make the archive `target` and, beside it, the file of the portal's secrets; the path of that. Raises CannotBackUp."""
    secrets = secrets_of(target)
    for path in (target, secrets):
        if path.exists():
            raise CannotBackUp(f"{path} is there already; give another name")
    if not target.parent.is_dir():
        raise CannotBackUp(f"{target.parent} is no folder; mkdir -p {target.parent}")
    try:
        with _workplace(portal.data) as dumps, _workplace(files_folder(portal) or dumps) as links:
            _write(portal, target, dumps, links, say)
    except psycopg.OperationalError as error:
        raise CannotBackUp(f"the database does not answer: {_one_line(error)}\nis the portal up? ./kzopen status") from error
    except Gone as error:
        raise CannotBackUp(f"{error}; ./kzopen doctor tells of each") from error
    except postgres.Refused as error:
        raise CannotBackUp(str(error)) from error
    except OSError as error:
        raise CannotBackUp(f"{error.strerror}: {error.filename}") from error
    write_private(secrets, {"secrets": read_private(portal.secrets), "accounts": read_private(portal.accounts)})
    return secrets


def secrets_of(target: Path) -> Path:
    """Where the secrets of an archive lie."""
    return target.with_name(f"{target.name}.secrets.json")


def _write(portal: Portal, target: Path, dumps: Path, links: Path, say: Say) -> None:
    _gather(portal, dumps, links, say)
    say("files …")
    made = archive.Manifest(version("kzopen"), datetime.now(UTC).isoformat(timespec="seconds"), bool(files_folder(portal)))
    with archive.written(target, made) as writer:
        for member in sorted(dumps.iterdir()):
            if member.is_file():
                writer.add(member.name, member)
        for folder in ("files", "storage", RECORD):
            writer.add_folder(folder, links / folder)


def _gather(portal: Portal, dumps: Path, links: Path, say: Say) -> None:
    """Dump the databases as they were at one moment, and link all files of that moment; raises what stood against it last."""
    for left in reversed(range(TIMES)):
        try:
            _gather_once(portal, dumps, links, say)
        except (Gone, postgres.Refused) as error:
            if not left:
                raise
            say(f"{error}; once more …")
        else:
            return


def _gather_once(portal: Portal, dumps: Path, links: Path, say: Say) -> None:
    where = addresses(portal)
    main, datastore = postgres.MAIN, postgres.DATASTORE
    _link_all(portal, links)
    with ExitStack() as moment:
        with postgres.nobody_signs(where[main]):
            connections = moment.enter_context(postgres.one_moment(where))
            shutil.rmtree(links / RECORD, ignore_errors=True)
            _copy(portal.data / RECORD, links / RECORD)
        _link_all(portal, links)
        _look_for_files(portal, connections[main], links)
        say("databases …")
        write_private(dumps / ALIASES, postgres.aliases_of_versions(connections[datastore]))
        postgres.dump_datastore(connections[datastore], where[datastore], dumps / postgres.DUMPS[datastore])
        postgres.dump_main(connections[main], where[main], dumps / postgres.DUMPS[main])


def _look_for_files(portal: Portal, main: psycopg.Connection[Any], links: Path) -> None:
    """Raise Gone when the database names a file that is not among the links."""
    if files_folder(portal) is None:
        return
    gone = [str(path) for (path,) in main.execute(NEEDED) if not (links / "files" / path).is_file()]
    if gone:
        raise Gone(f"{len(gone)} files are missing, the first is {gone[0]}")


def _link_all(portal: Portal, links: Path) -> None:
    """Link the stored files, which never change, and copy CKAN's uploads, which may be written anew under their name."""
    folder = files_folder(portal)
    if folder:
        _copy(folder, links / "files", _linked)
    _copy(portal.data / "storage", links / "storage")


def _copy(source: Path, target: Path, how: Callable[[Path, Path], object] = shutil.copy2) -> None:
    """Bring all whole files to the same places below `target`; those that go meanwhile are left out."""
    target.mkdir(parents=True, exist_ok=True)
    for folder, _inner, names in os.walk(source):
        if WORK in Path(folder).relative_to(source).parts:
            continue
        place = target / Path(folder).relative_to(source)
        for name in names:
            if name.startswith(UNFINISHED) or name.endswith(UNFINISHED):
                continue
            place.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                how(Path(folder) / name, place / name)


def _linked(source: Path, target: Path) -> None:
    with suppress(FileExistsError):
        target.hardlink_to(source)


def files_folder(portal: Portal) -> Path | None:
    """Where stored files lie on this machine; None when they lie in a bucket."""
    parts = urlsplit(portal.files_url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A folder of a backup that is being made; what one that was killed has left there goes first."""
    work = folder / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
