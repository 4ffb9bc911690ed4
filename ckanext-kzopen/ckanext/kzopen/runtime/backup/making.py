"""Making an archive while the portal runs.

Files are never changed, but some are deleted while others are read. So they are linked, and the database is then looked at as
of one moment: when a file that it names was not among the links, it went in between, and all is done once more. A file that is
missing twice was lost before: the rest is worth an archive, and the command says what is missing.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from ckanext.kzopen.core import files
from ckanext.kzopen.runtime.backup import archive, postgres
from ckanext.kzopen.runtime.backup.room import no_room
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import fingerprint, keys_of, read_private, write_private

TIMES = 5
WORK = ".backup"
RECORD, ALIASES = "record", "aliases.json"
UNFINISHED = (".unfinished-", ".part", WORK)
NEEDED = """
    SELECT 'files/' || f.path FROM kzopen.version_file f
    JOIN kzopen.version v ON (v.package_id, v.number) = (f.package_id, f.number) WHERE v.withdrawn IS NULL
    UNION ALL SELECT 'files/' || path FROM kzopen.delivery d WHERE state NOT IN ('refused', 'withdrawn')
    AND bytes_deleted IS NULL AND NOT EXISTS (
        SELECT FROM kzopen.withdrawal w WHERE w.kind = 'dataset' AND w.object_id = d.package_id)
"""
UPLOADED = """
    SELECT format('storage/resources/%s/%s/%s', left(r.id, 3), substr(r.id, 4, 3), substr(r.id, 7)) FROM resource r
    JOIN package p ON p.id = r.package_id WHERE r.url_type = 'upload' AND r.state = 'active' AND p.state <> 'deleted'
"""

Say = Callable[[str], None]


class Gone(Exception):
    """Files that the database names are not there: `names` below the archive."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(f"{len(names)} files are missing, the first is {min(names)}")
        self.names = names


class CannotBackUp(Exception):
    """No archive was made; the message says why and what helps."""


def make(portal: Portal, target: Path, say: Say) -> Path:
    """Make the archive `target` and, beside it, the file of the portal's secrets; the path of that. Raises CannotBackUp."""
    secrets, began = secrets_of(target), datetime.now(UTC)
    _check(portal, target, secrets)
    try:
        with _alone(portal), _workplace(portal.data) as dumps, _workplace(files_folder(portal) or dumps) as links:
            _write(portal, target, dumps, links, say)
            try:
                write_private(secrets, {"secrets": keys_of(portal), "accounts": read_private(portal.accounts)})
            except BaseException:
                target.unlink()  # without them it is worth nothing
                raise
            _note(portal, began, say)
    except BaseException as error:
        if isinstance(error, (psycopg.Error, postgres.Refused, OSError)):
            raise CannotBackUp(_sentence(portal, target, error)) from error
        raise
    return secrets


def _note(portal: Portal, began: datetime, say: Say) -> None:
    """Tell the web server, of whatever account, when the last backup was begun; the archive is whole with or without."""
    try:
        portal.last_backup.write_text(json.dumps({"began": began.isoformat()}))
        portal.last_backup.chmod(0o644)
    except OSError as error:
        say(f"! {portal.last_backup} could not be written ({error.strerror}): /metrics tells an older backup")


def _check(portal: Portal, target: Path, secrets: Path) -> None:
    for path in (target, secrets):
        if path.exists():
            raise CannotBackUp(f"{path} is there already; give another name")
    if not target.parent.is_dir():
        raise CannotBackUp(f"{target.parent} is no folder; mkdir -p {target.parent}")
    for folder in (portal.data, files_folder(portal)):
        if folder and target.resolve().is_relative_to(folder.resolve()):
            raise CannotBackUp(f"{target} lies within {folder}: the next archive would hold it; give a place outside")


def _sentence(portal: Portal, target: Path, error: BaseException) -> str:
    theirs = portal.settings.database_url and isinstance(error, psycopg.Error)
    places = [] if theirs else [place for place in (target.parent, portal.data, files_folder(portal)) if place]
    if full := no_room(error, "", places):
        return full
    if isinstance(error, psycopg.Error):
        return f"the database does not answer: {' '.join(str(error).split())}\nis the portal up? ./kzopen status"
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return str(error)


def secrets_of(target: Path) -> Path:
    """Where the secrets of an archive lie."""
    return target.with_name(f"{target.name}.secrets.json")


@contextmanager
def _alone(portal: Portal) -> Iterator[None]:
    """One backup at a time; the lock goes with the process."""
    with (portal.run / "backup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotBackUp("another backup of this portal is being made") from error
        yield


def _write(portal: Portal, target: Path, dumps: Path, links: Path, say: Say) -> None:
    _gather(portal, dumps, links, say)
    say("files …")
    now, mark = datetime.now(UTC).isoformat(timespec="seconds"), fingerprint(keys_of(portal))
    made = archive.Manifest(version("kzopen"), now, bool(files_folder(portal)), secrets=mark)
    with archive.written(target, made) as writer:
        for member in sorted(dumps.iterdir()):
            if member.is_file():
                writer.add(member.name, member)
        for folder in ("files", "storage", RECORD):
            writer.add_folder(folder, links / folder)


def _gather(portal: Portal, dumps: Path, links: Path, say: Say) -> None:
    """Dump the databases as they were at one moment, and link all files of that moment."""
    lost: set[str] = set()
    for left in reversed(range(TIMES)):
        try:
            _gather_once(portal, dumps, links, lost, say)
        except (Gone, postgres.Vanished) as error:
            if not left:
                raise CannotBackUp(f"{error}; ./kzopen doctor looks for what is wrong") from error
            lost = error.names if isinstance(error, Gone) else lost
            say(f"{error}; once more …")
        else:
            return


def _gather_once(portal: Portal, dumps: Path, links: Path, lost: set[str], say: Say) -> None:
    where = addresses(portal)
    main, datastore = postgres.MAIN, postgres.DATASTORE
    _link_all(portal, links)
    with ExitStack() as moment:
        with postgres.nobody_signs(where[main]):
            connections = moment.enter_context(postgres.one_moment(where))
            shutil.rmtree(links / RECORD, ignore_errors=True)
            each_file(portal.data / RECORD, links / RECORD, shutil.copy2)
        _link_all(portal, links)
        gone = _gone(portal, connections[main], links)
        if gone - lost:
            raise Gone(gone)
        for name in sorted(gone):
            say(f"! {name} is not there, and was not before; ./kzopen doctor")
        say("databases …")
        write_private(dumps / ALIASES, postgres.aliases_of_versions(connections[datastore]))
        postgres.dump_datastore(connections[datastore], where[datastore], dumps / postgres.DUMPS[datastore])
        postgres.dump_main(connections[main], where[main], dumps / postgres.DUMPS[main])


def _gone(portal: Portal, main: psycopg.Connection[Any], links: Path) -> set[str]:
    """The files that the database names and that are not among the links."""
    wanted = [UPLOADED, *([NEEDED] if files_folder(portal) else [])]
    named = {str(name) for statement in wanted for (name,) in main.execute(statement)}
    return {name for name in named if not (links / name).is_file()}


def _link_all(portal: Portal, links: Path) -> None:
    """Link the stored files and CKAN's uploads: none is changed under its name."""
    folder = files_folder(portal)
    if folder:
        each_file(folder, links / "files", _linked)
    each_file(portal.data / "storage", links / "storage", _linked)


def each_file(source: Path, target: Path, how: Callable[[Path, Path], object]) -> None:
    """Bring all whole files to the same places below `target`; those that go meanwhile are left out, links are followed."""
    target.mkdir(parents=True, exist_ok=True)
    for folder, inner, names in os.walk(source, followlinks=True, onerror=_raise):
        inner[:] = [name for name in inner if name != WORK]
        place = target / Path(folder).relative_to(source)
        for name in names:
            if name.startswith(UNFINISHED) or name.endswith(UNFINISHED):
                continue
            place.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                how(Path(folder) / name, place / name)


def _raise(error: OSError) -> None:
    if error.errno != errno.ENOENT:
        raise error


def _linked(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise
        shutil.copy2(source, target)  # another file system, or one without links


def files_folder(portal: Portal) -> Path | None:
    """Where stored files lie on this machine; None when they lie in a bucket."""
    store = files.of(portal.files_url)
    return store.root if isinstance(store, files.Disk) else None


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


def left_behind(portal: Portal) -> list[Path]:
    """What a backup that was killed has left: copies of everything, also of what is withdrawn since."""
    try:
        with _alone(portal):
            places = {folder / WORK for folder in (portal.data, files_folder(portal)) if folder}
            return sorted(place for place in places if place.exists())
    except (CannotBackUp, OSError):
        return []
