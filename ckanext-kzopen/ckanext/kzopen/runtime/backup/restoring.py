"""Making a portal out of an archive, in an empty data directory and empty databases."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ckanext.kzopen.runtime import prepare, services
from ckanext.kzopen.runtime.backup import archive, making, postgres
from ckanext.kzopen.runtime.configuration import addresses, write_ini
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import read_private, write_private
from ckanext.kzopen.runtime.serve import start_services
from ckanext.kzopen.runtime.status import running_pid
from ckanext.kzopen.runtime.supervisor import NotReady, Supervisor

Say = Callable[[str], None]
UNPACKED = "restoring"
TOLD = "told.json"


class CannotRestore(Exception):
    """Nothing was restored, and nothing is left behind; the message says why and what helps."""


def restore(portal: Portal, source: Path, secrets: Path, lists: Sequence[Path], say: Say) -> None:
    """Make the portal of an archive; `lists` are places that know of withdrawals after it. Raises CannotRestore."""
    _check(portal, source, secrets)
    fresh = not portal.data.exists()
    supervisor = Supervisor(portal)
    try:
        _restore(portal, supervisor, source, secrets, lists, say)
    except BaseException as error:
        supervisor.stop()
        _leave_nothing(portal, fresh)
        if isinstance(
            error, (archive.Unreadable, postgres.Refused, OSError, ValueError, NotReady, subprocess.CalledProcessError)
        ):
            raise CannotRestore(_sentence(error)) from error
        raise
    supervisor.stop()


def _check(portal: Portal, source: Path, secrets: Path) -> None:
    if running_pid(portal):
        raise CannotRestore(f"a portal runs in {portal.data}; give another directory with --data")
    if portal.data.exists() and any(portal.data.iterdir()):
        raise CannotRestore(f"{portal.data} is not empty; give another directory with --data, or ./kzopen reset --commit")
    for path in (source, secrets):
        if not path.is_file():
            raise CannotRestore(f"there is no file {path}")


def _restore(portal: Portal, supervisor: Supervisor, source: Path, secrets: Path, lists: Sequence[Path], say: Say) -> None:
    later = [one for place in lists for one in withdrawals_of(place)]
    say(f"unpacking {source} …")
    portal.make_folders()
    unpacked = portal.data / UNPACKED
    manifest = archive.unpacked(source, unpacked)
    _place(portal, unpacked, manifest)
    kept = read_private(secrets)
    write_private(portal.secrets, kept["secrets"])
    write_private(portal.accounts, kept["accounts"])
    write_ini(portal)
    say("starting the services …")
    if not portal.settings.database_url:
        services.init_postgres(portal)
    start_services(portal, supervisor)
    where = addresses(portal)
    for name in postgres.DUMPS:
        postgres.check_empty(where[name])
    say("the database …")
    postgres.fill(where[postgres.MAIN], unpacked / postgres.DUMPS[postgres.MAIN])
    prepare.prepare(portal)
    say("tables of DataStore …")
    if (tables := unpacked / postgres.DUMPS[postgres.DATASTORE]).exists():
        postgres.fill(where[postgres.DATASTORE], tables)
    write_private(unpacked / TOLD, {"withdrawn": later, "aliases": read_private(unpacked / making.ALIASES)})
    for sentence in _agree(portal, unpacked / TOLD):
        say(sentence)
    shutil.rmtree(unpacked)
    say(f"the portal is as it was on {manifest.made}, made by kzopen {manifest.kzopen}")


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


def withdrawals_of(place: Path) -> list[dict[str, Any]]:
    """The withdrawals that an archive, or a folder with the list of a portal, knows of."""
    # Imported here: it brings CKAN with it.
    from ckanext.kzopen.core.withdrawal import kept

    if tarfile.is_tarfile(place) if place.is_file() else False:
        return kept.in_order(archive.texts_below(place, f"files/{kept.FOLDER}"))
    if not place.is_dir():
        raise ValueError(f"{place} is neither an archive nor a folder with a list of withdrawals")
    return kept.statements_below(place)


def _agree(portal: Portal, later: Path) -> list[str]:
    """What has to agree before anybody reads: see `agreeing`; its sentences."""
    command = [sys.executable, "-m", "ckanext.kzopen.runtime.backup.agreeing", str(portal.ini), str(later)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/")
    return [str(json.loads(line)["said"]) for line in done.stdout.splitlines() if line.startswith('{"said"')]


def _leave_nothing(portal: Portal, fresh: bool) -> None:
    for entry in portal.data.iterdir() if portal.data.exists() else ():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    shutil.rmtree(portal.sockets, ignore_errors=True)
    if fresh:
        portal.data.rmdir()


def _sentence(error: BaseException) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"preparing failed: {(str(error.stderr).strip().splitlines() or ['no words'])[-1]}"
    if isinstance(error, NotReady):
        return f"{error} did not come up"
    if isinstance(error, OSError) and error.filename:
        return f"{error.strerror}: {error.filename}"
    return str(error)
