"""`./kzopen upgrade`."""

from __future__ import annotations

import configparser
import os
import shutil
from pathlib import Path

import click
import psutil
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.backup import series
from ckanext.kzopen.runtime.backup.making import CannotBackUp, make
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.hosting import notifying
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.recorded import data_option, portal_of
from ckanext.kzopen.runtime.serve import CannotStart, bring_up, free_port
from ckanext.kzopen.runtime.status import address_of, running_pid
from ckanext.kzopen.runtime.supervisor import Supervisor
from ckanext.kzopen.runtime.upgrading import note, steps
from ckanext.kzopen.runtime.upgrading.checkout import LIBRARIES, MIGRATIONS, Checkout, NoCheckout

BACKUPS_HELP = "Folder for the archive that is made before (default: `backups` beside the data directory)."
FROM_PORT = 18500
SHOWN = 10
LAUNCHER = frozenset({"KZOPEN_VENV"})


class CannotUpgrade(Exception):
    """Nothing was begun; the message says why and what helps."""


@click.command()
@click.argument("release", required=False)
@data_option
@click.option("--backups", type=click.Path(path_type=Path, file_okay=False), help=BACKUPS_HELP)
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows what would come.")
@click.option("--roll-back", is_flag=True, help="Go back from an upgrade that was killed.")
def upgrade(release: str | None, data: Path | None, backups: Path | None, commit: bool, roll_back: bool) -> None:
    """Bring another release into the checkout: backup, new libraries, migrations, a look at everything; back when it fails.

    RELEASE is a tag, a branch or a commit; without it, the newest release. Readers cannot reach the portal meanwhile.

    Example: ./kzopen upgrade v1.2.0 --backups /backup --commit
    """
    checkout = Checkout(note.ROOT)
    try:
        unfinished = steps.read_plan(checkout.root)
        if roll_back:
            _go_back(checkout, unfinished, commit)
            return
        if unfinished:
            raise CannotUpgrade(note.HELPS)
        wanted = _wanted(checkout, release)
        new = checkout.resolve(wanted)
        if not _show(checkout, wanted, new) or not commit:
            return
        portal = _with_its_settings(portal_of(data))
        plan = _plan(portal, checkout, new, backups)
        steps.Upgrade(checkout, plan, lambda: _backup(portal, Path(plan.archive)), click.echo).run()
    except (NoCheckout, CannotUpgrade) as error:
        raise click.ClickException(str(error)) from error
    except steps.Failed as error:
        raise click.ClickException(f"{error}\nThe release from before is back.") from error
    except (steps.NotBack, steps.NotStarted) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{wanted} runs; the archive from before: {plan.archive}")


def _wanted(checkout: Checkout, release: str | None) -> str:
    checkout.fetch()
    return release or checkout.newest_release()


def _show(checkout: Checkout, wanted: str, new: str) -> bool:
    """Tell what would come, and whether anything would; raises NoCheckout for files changed here and for an older release."""
    if new == checkout.commit:
        click.echo(f"{wanted} is here already")
        return False
    if changed := checkout.changed():
        raise NoCheckout("files of the project were changed here; put them back first:\n" + "\n".join(changed[:SHOWN]))
    if checkout.is_older(new):
        raise NoCheckout(f"{wanted} is older than what is here; to go back to it, restore an archive that it made")
    commits = checkout.commits_to(new)
    click.echo(f"{checkout.commit[:10]} → {wanted} ({new[:10]}), {len(commits)} commits:")
    for subject in commits[:SHOWN]:
        click.echo(f"  {subject}")
    click.echo(f"  libraries {'change' if checkout.differs(new, *LIBRARIES) else 'stay'}", nl=False)
    click.echo(f", the database {'changes' if checkout.differs(new, MIGRATIONS) else 'stays'}; CHANGELOG.md tells more")
    click.echo("nothing was changed yet; with --commit the portal is closed for some minutes and upgraded")
    return True


def _with_its_settings(portal: Portal) -> Portal:
    """The portal with the settings it runs with, in the folder of its kzopen.toml; raises CannotUpgrade.

    One that runs is asked for its folder and its variables, which may be those of a systemd unit. Of one that does not, the
    settings given here must be those of its last start.
    """
    if pid := running_pid(portal):
        process = psutil.Process(pid)
        if process.uids().real != os.geteuid():
            raise CannotUpgrade(f"the portal runs under another account: sudo -u {process.username()} ./kzopen upgrade …")
        variables, folder = process.environ(), process.cwd()
        for name in [name for name in os.environ if name.startswith("KZOPEN_") and name not in LAUNCHER]:
            del os.environ[name]
        os.environ |= {name: value for name, value in variables.items() if name.startswith("KZOPEN_")}
        os.chdir(folder)
        return Portal(Settings(data=portal.data))
    kept = configparser.ConfigParser()
    kept.read(portal.ini)
    differing = [
        name for name, value in addresses(portal).items() if kept["app:main"].get(name, "", raw=True) != _in_ini(value)
    ]
    if differing:
        raise CannotUpgrade(
            f"{', '.join(differing)}: the settings given here are not those of the portal's last start; run the command in "
            "the folder of its kzopen.toml, with its variables (of systemd: /etc/kzopen/environment), or start it first"
        )
    return portal


def _in_ini(value: str) -> str:
    return value.replace("%", "%%")


def _plan(portal: Portal, checkout: Checkout, new: str, backups: Path | None) -> steps.Plan:
    folder = (backups or portal.data.parent / "backups").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotUpgrade(f"{folder}: {error.strerror}; name another folder with --backups") from error
    lies_here = not portal.elsewhere() and not portal.data.is_mount() and os.access(portal.data.parent, os.W_OK)
    _check_room(portal, folder)
    pid = running_pid(portal)
    process = psutil.Process(pid) if pid else None
    by_systemd = process is not None and notifying.VARIABLE in process.environ()
    return steps.Plan(
        old=checkout.name,
        new=new,
        data=str(portal.data),
        folder=str(Path.cwd()),
        archive=str(folder / series.BEFORE.format(series.now())),
        address=address_of(portal),
        port=free_port(steps.HOST, FROM_PORT),
        again=_started_with(process) if process and not by_systemd else (),
        by_systemd=by_systemd,
        lies_here=lies_here,
    )


def _check_room(portal: Portal, folder: Path) -> None:
    """Raise CannotUpgrade unless there is room for an archive and for the portal that would be made of it."""
    size = sum(file.lstat().st_size for file in portal.data.rglob("*") if file.is_file() or file.is_symlink())
    for place in {folder, portal.data.parent}:
        free = shutil.disk_usage(place).free
        if free < size:
            raise CannotUpgrade(
                f"{place} has {free / 2**20:.0f} MB left, and the portal is {size / 2**20:.0f} MB; make room first"
            )


def _started_with(process: psutil.Process) -> list[str]:
    """The words after `./kzopen` with which a portal was started; it goes on in the background."""
    line = process.cmdline()
    words = [word for word in line[line.index("ckanext.kzopen.runtime") + 1 :] if word != "--detach"]
    return [*words, "--detach"]


def _backup(portal: Portal, archive: Path) -> None:
    """The archive of a portal of which only the services run; raises Failed."""
    supervisor = Supervisor(portal)
    try:
        bring_up(portal, supervisor, click.echo, only_services=True)
        make(portal, archive, click.echo)
    except (CannotStart, CannotBackUp) as error:
        raise steps.Failed(str(error)) from error
    finally:
        supervisor.stop()


def _go_back(checkout: Checkout, unfinished: steps.Plan | None, commit: bool) -> None:
    if unfinished is None:
        raise CannotUpgrade("no upgrade is under way; to undo a finished one, restore its archive (docs/operator.md)")
    click.echo(f"brings {unfinished.old} back" + (f" and the portal of {unfinished.archive}" * unfinished.data_touched))
    if not commit:
        click.echo("nothing was changed; --commit does it")
        return
    steps.Upgrade(checkout, unfinished, lambda: None, click.echo).go_back()
    click.echo(f"done: {unfinished.old}")
