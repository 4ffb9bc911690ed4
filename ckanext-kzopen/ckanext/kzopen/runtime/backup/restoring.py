"""Making a portal out of an archive, in an empty data directory and empty databases."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from ckanext.kzopen.core.settings import problems
from ckanext.kzopen.runtime import external, prepare, services
from ckanext.kzopen.runtime.backup import archive, fitting, making, postgres
from ckanext.kzopen.runtime.backup.agreeing import Tables
from ckanext.kzopen.runtime.backup.room import no_room
from ckanext.kzopen.runtime.configuration import addresses, write_ini
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import read_private, write_private
from ckanext.kzopen.runtime.serve import UNFINISHED, start_services
from ckanext.kzopen.runtime.status import running_pid
from ckanext.kzopen.runtime.supervisor import NotReady, Supervisor

Say = Callable[[str], None]
TOLD = "told.json"
EXPECTED = (archive.Unreadable, postgres.Refused, psycopg.Error, OSError, ValueError, NotReady, subprocess.CalledProcessError)


class CannotRestore(Exception):
    """There is no restored portal; the message says why and what helps."""


@dataclass(frozen=True)
class Wanted:
    """What is to be restored: the archive, its secrets, places that know of withdrawals after it.

    `takes_over`: the portal takes the place of the one that used the services whose addresses are given.
    """

    source: Path
    secrets: Path
    lists: Sequence[Path] = ()
    takes_over: bool = False


class Incomplete(Exception):
    """The portal of the archive is there, but tables lack their files; the message says what to do before it is started."""


def restore(portal: Portal, wanted: Wanted, say: Say) -> None:
    """Make the portal of an archive.

    Raises CannotRestore, and then leaves nothing in the data directory; Incomplete, and then leaves the portal there.
    """
    check_place(portal, wanted.takes_over)
    _check_source(portal, wanted)
    make_or_leave_nothing(portal, lambda supervisor: _restore(portal, supervisor, wanted, say))


def make_or_leave_nothing(portal: Portal, make: Callable[[Supervisor], Tables]) -> None:
    """Let `make` fill the empty places of a portal; what fails leaves them empty. Raises CannotRestore, Incomplete."""
    fresh = not portal.data.exists()
    supervisor = Supervisor(portal)
    try:
        with _ends_as_an_exception():
            tables = make(supervisor)
    except BaseException as error:
        sentence = _sentence(portal, error)
        supervisor.stop()
        _leave_nothing(portal, fresh)
        if isinstance(error, EXPECTED):
            raise CannotRestore(sentence) from error
        raise
    supervisor.stop()
    if tables.lacking:
        raise Incomplete(_lacking(portal, tables))


def _lacking(portal: Portal, tables: Tables) -> str:
    """One sentence on the tables that could not be made; the command for each is what doctor names."""
    made = f"{tables.wanted - tables.lacking} of {tables.wanted} tables"
    doctor = f"./kzopen doctor --data {portal.data}"
    if making.files_folder(portal):
        return f"{made}: the archive lacks the files of the others; start the portal, and {doctor} names them"
    return (
        f"{made}: the bucket of files_url lacks their files; copy them there before you start the portal, then {doctor} names "
        "for each table the command that makes it; if it is the wrong bucket, restore again"
    )


@contextmanager
def _ends_as_an_exception() -> Iterator[None]:
    """A closed terminal or a request to end cleans up, as Ctrl-C does."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_place(portal: Portal, takes_over: bool) -> None:
    """Raise CannotRestore unless the portal's places are empty, or another's that it takes over from."""
    settings = portal.settings
    found = problems(settings) or external.problems(settings)
    if found:
        raise CannotRestore("\n".join(["These settings stop the restore:", *(f"  {problem}" for problem in found)]))
    if running_pid(portal):
        raise CannotRestore(f"a portal runs in {portal.data}; give another directory with --data")
    here = making.files_folder(portal)
    for folder in (portal.data, here):
        if folder and folder.exists() and any(folder.iterdir()):
            raise CannotRestore(f"{folder} is not empty, and may be another portal's; give another one")
    shared = [name for name in ("redis_url", "search_url") if getattr(settings, name)] + ([] if here else ["files_url"])
    if shared and not takes_over:
        raise CannotRestore(
            f"{', '.join(shared)}: what lies there may be another portal's; a restored portal changes it, and deletes stored "
            "files that it does not know. For a trial give addresses of its own; if it takes that portal's place, --takes-over"
        )


def _check_source(portal: Portal, wanted: Wanted) -> None:
    for path in (wanted.source, wanted.secrets):
        if not path.is_file():
            raise CannotRestore(f"there is no file {path}")
    kept = _kept(wanted.secrets)
    if not kept:
        raise CannotRestore(f"{wanted.secrets} is not the file of secrets that ./kzopen backup wrote beside the archive")
    try:
        fitting.check(wanted.source, wanted.secrets, kept["secrets"], portal.settings)
    except (fitting.DoNotFit, archive.Unreadable, OSError) as error:
        raise CannotRestore(_words(portal, error)) from error


def _kept(secrets: Path) -> dict[str, Any] | None:
    """What the file of secrets says; None when it is another file."""
    try:
        found = read_private(secrets)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"secrets", "accounts"} <= found.keys() else None


def _restore(portal: Portal, supervisor: Supervisor, wanted: Wanted, say: Say) -> Tables:
    later = known_later(wanted.lists, say)
    where, settings = addresses(portal), portal.settings
    for name, given in ((postgres.MAIN, settings.database_url), (postgres.DATASTORE, settings.datastore_url)):
        if given:
            postgres.check_empty(where[name])
    unpacked = portal.data / UNFINISHED
    unpacked.mkdir(parents=True, mode=0o700)
    portal.make_folders()
    kept = _kept(wanted.secrets) or {}
    write_private(portal.secrets, kept["secrets"])
    write_private(portal.accounts, kept["accounts"])
    write_ini(portal)
    say(f"unpacking {wanted.source} …")
    manifest = archive.unpacked(wanted.source, unpacked)
    _place(portal, unpacked, manifest)
    say("starting the services …")
    if not settings.database_url:
        services.init_postgres(portal)
    start_services(portal, supervisor)
    say("the database …")
    postgres.fill(where[postgres.MAIN], unpacked / postgres.DUMPS[postgres.MAIN])
    prepare.prepare(portal)
    say("tables of DataStore …")
    if (dumped := unpacked / postgres.DUMPS[postgres.DATASTORE]).exists():
        for sentence in postgres.fill_as_far_as_it_goes(where[postgres.DATASTORE], dumped):
            say(f"! {sentence}")
    tables = let_agree(portal, later, read_private(unpacked / making.ALIASES), say)
    shutil.rmtree(unpacked)  # the last: until then `serve` does not start the portal
    if not tables.lacking:
        say(f"the portal is as it was on {manifest.made}, made by kzopen {manifest.kzopen}")
    return tables


def _place(portal: Portal, unpacked: Path, manifest: archive.Manifest) -> None:
    """Bring the files to where the portal looks for them; those of a bucket are there."""
    here = making.files_folder(portal)
    if manifest.files_here and here is None:
        raise ValueError("the archive holds the stored files, but files_url names a bucket: restore without it first")
    if not manifest.files_here and here is not None:
        raise ValueError("the stored files of this portal lie in a bucket: name it as files_url")
    targets = {"storage": portal.data / "storage", making.RECORD: portal.data / making.RECORD}
    for name, target in (targets | ({"files": here} if here else {})).items():
        if (unpacked / name).is_dir():
            shutil.copytree(unpacked / name, target, copy_function=shutil.move, dirs_exist_ok=True)


def known_later(lists: Sequence[Path], say: Say) -> list[dict[str, Any]]:
    """The withdrawals that the given places know of."""
    found = []
    for place in lists:
        told = withdrawals_of(place)
        say(f"{len(told)} withdrawals are known from {place}")
        found += told
    if not lists:
        say("! no --withdrawn is given: what was withdrawn after the backup can be read again")
    return found


def withdrawals_of(place: Path) -> list[dict[str, Any]]:
    """The withdrawals that an archive, or a folder with the list of a portal, knows of; ValueError when it is neither."""
    # Imported here: it brings CKAN with it.
    from ckanext.kzopen.core.withdrawal import kept

    try:
        if place.is_dir():
            return kept.statements_below(place)
        if not tarfile.is_tarfile(place):
            raise ValueError("it is neither an archive nor a folder")
        manifest, texts = archive.texts_below(place, f"files/{kept.FOLDER}")
        if not manifest.files_here:
            raise ValueError(f"the files of that portal lie in a bucket; give a copy of the bucket's {kept.FOLDER}")
        return kept.in_order(texts)
    except ValueError as error:
        raise ValueError(f"--withdrawn {place}: {error}") from error


def let_agree(portal: Portal, later: list[dict[str, Any]], aliases: dict[str, str], say: Say) -> Tables:
    """What has to agree before anybody reads: see `agreeing`; how many tables there are."""
    told = portal.data / UNFINISHED / TOLD
    write_private(told, {"withdrawn": later, "aliases": aliases})
    command = [sys.executable, "-m", "ckanext.kzopen.runtime.backup.agreeing", str(portal.ini), str(told)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/")
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(('{"said"', '{"tables"'))]
    for line in found:
        if "said" in line:
            say(str(line["said"]))
    (tables,) = (Tables(**line["tables"]) for line in found if "tables" in line)
    return tables


def _leave_nothing(portal: Portal, fresh: bool) -> None:
    here = making.files_folder(portal)
    for folder in (portal.data, here):
        for entry in folder.iterdir() if folder and folder.exists() else ():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
    shutil.rmtree(portal.sockets, ignore_errors=True)
    if fresh and portal.data.exists():
        portal.data.rmdir()


def _sentence(portal: Portal, error: BaseException) -> str:
    """The error for a person; what is written to databases of somebody else stays there, and is told."""
    sentence = _words(portal, error)
    unpacked, given = portal.data / UNFINISHED, portal.settings.database_url
    if given and unpacked.exists() and not isinstance(error, archive.Unreadable):
        sentence += "\nThe databases may be filled in part: make them anew before the next try."
    return sentence


def _words(portal: Portal, error: BaseException) -> str:
    theirs = portal.settings.database_url and isinstance(error, (psycopg.Error, postgres.Refused))
    places = [] if theirs else [place for place in (portal.data, making.files_folder(portal)) if place]
    if full := no_room(error, _log(portal, error), places):
        return full
    if isinstance(error, subprocess.CalledProcessError):
        said = error.stderr if isinstance(error.stderr, str) else (error.stderr or b"").decode(errors="replace")
        return f"preparing failed: {' / '.join(said.strip().splitlines()[-3:]) or 'no words'}"
    if isinstance(error, NotReady):
        last = _log(portal, error).strip().splitlines()[-3:]
        return f"{error} did not come up: {' / '.join(last) or 'its log is empty'}"
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return " ".join(str(error).split())


def _log(portal: Portal, error: BaseException) -> str:
    """What the service that did not come up has said."""
    log = portal.logs / f"{error}.log"
    return log.read_text(errors="replace") if isinstance(error, NotReady) and log.exists() else ""
