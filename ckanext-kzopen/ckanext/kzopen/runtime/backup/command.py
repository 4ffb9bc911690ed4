"""`./kzopen backup` and `./kzopen restore`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from ckanext.kzopen.runtime.recorded import data_option, portal_of

DEFAULT = ""
"""The name of a group's usual command, which nobody types."""
SECRETS_HELP = "The archive's secrets (default: SOURCE.secrets.json)."
TRY_HELP = "Also restore it into a folder that is made in this one and deleted afterwards."
AT_HELP = "Of a continuous archive: the moment, 2026-03-05T14:30 (without a zone: this machine's)."
DATA_HELP = "The empty data directory of the restored portal."


class WithDefault(click.Group):
    """A group whose first word, when it names none of its commands, belongs to the one that does its usual work."""

    default: click.Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`backup FILE` makes that archive."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            return super().parse_args(ctx, [DEFAULT, *args])
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name, or the usual one."""
        return self.default if cmd_name == DEFAULT else super().get_command(ctx, cmd_name)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of the usual command, and the names of the others."""
        self.default.format_help(click.Context(self.default, parent=ctx.parent, info_name=ctx.info_name), formatter)
        self.format_commands(ctx, formatter)


@click.group(cls=WithDefault)
def backup() -> None:
    """Make an archive of everything that the portal keeps, or verify one."""


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(1, 1000), help="Of the archives in the folder TARGET keep so many, the newest.")
@data_option
def make_archive(target: Path, keep: int | None, data: Path | None) -> None:
    """Make one archive of everything that the portal keeps, while it runs.

    TARGET is its name, or a folder in which it is named after the portal and the moment (UTC). Its secrets are written beside
    it, into NAME.secrets.json: keep them apart.

    Example: ./kzopen backup /backup --keep 14
    """
    from ckanext.kzopen.runtime.backup import series
    from ckanext.kzopen.runtime.backup.making import CannotBackUp, make
    from ckanext.kzopen.runtime.upgrading import note

    folder = target.absolute() if target.is_dir() else None
    if keep and not folder:
        raise click.UsageError(f"--keep counts the archives of a folder, and {target} is none; mkdir -p {target}")
    if note.is_there():
        raise click.ClickException(note.HELPS)
    portal = portal_of(data)
    archive = series.name_in(folder, portal.settings.address) if folder else target.absolute()
    try:
        secrets = make(portal, archive, click.echo)
    except CannotBackUp as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{archive}  {archive.stat().st_size / 2**20:.1f} MB")
    click.echo(f"{secrets}  keep it apart: with both one can sign in the portal's name")
    for old in series.keep_newest(folder, portal.settings.address, keep) if folder and keep else ():
        click.echo(f"{old}  deleted: {keep} newer ones are kept")


backup.default = make_archive


@backup.command("verify")
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--secrets", type=click.Path(path_type=Path, dir_okay=False), help=SECRETS_HELP)
@click.option("--try", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), help=TRY_HELP)
def verify(source: Path, secrets: Path | None, folder: Path | None) -> None:
    """Read an archive to its end: every byte, both databases, the secrets that belong to it. Ends with 1 when it is not whole.

    Example: ./kzopen backup verify /backup/kzopen-2026-03-05.tar --try /var/tmp
    """
    from ckanext.kzopen.runtime.backup.making import secrets_of
    from ckanext.kzopen.runtime.backup.restoring import Wanted
    from ckanext.kzopen.runtime.backup.verifying import CannotTry, NotWhole, sentence, try_to_restore, verified

    source, secrets = source.absolute(), (secrets or secrets_of(source)).absolute()
    try:
        manifest = verified(source, secrets)
        click.echo(sentence(manifest))
        if folder:
            try_to_restore(manifest, Wanted(source, secrets), folder.absolute(), click.echo)
            click.echo("restored as a trial, and deleted again")
    except (NotWhole, CannotTry) as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--at", "moment", help="Of a continuous archive: the moment, 2026-03-05T14:30 (without a zone: that of this machine)."
)
@click.option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help=DATA_HELP)
@click.option("--secrets", type=click.Path(path_type=Path, dir_okay=False), help=SECRETS_HELP)
@click.option(
    "--withdrawn",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="What knows of later withdrawals: a newer archive, the old data directory, or a copy of its files/withdrawn.",
)
@click.option(
    "--takes-over",
    is_flag=True,
    help="This portal takes the place of the one that used the bucket, Redis or search server of the settings.",
)
def restore(
    source: Path, moment: str | None, data: Path, secrets: Path | None, lists: tuple[Path, ...], takes_over: bool
) -> None:
    """Make the portal of an archive in an empty data directory. What was withdrawn since is withdrawn again.

    SOURCE is the file that `backup` made, or the folder of the setting `archive`; of that, --at names the moment, and without
    it the last one is meant.

    Example: ./kzopen restore /backup/kzopen-2026-03-05.tar --data /srv/kzopen --withdrawn /srv/kzopen-old
    """
    from ckanext.kzopen.runtime.archiving.restoring import Moment
    from ckanext.kzopen.runtime.archiving.restoring import restore as restore_moment
    from ckanext.kzopen.runtime.backup.making import secrets_of
    from ckanext.kzopen.runtime.backup.restoring import CannotRestore, Incomplete, Wanted
    from ckanext.kzopen.runtime.backup.restoring import restore as restore_portal
    from ckanext.kzopen.runtime.command import portal_with

    portal, source = portal_with(data=data), source.absolute()
    try:
        if source.is_dir():
            restore_moment(portal, Moment(source, _moment(moment), lists, takes_over), click.echo)
        elif moment:
            raise click.UsageError(f"--at belongs to the folder of a continuous archive, and {source} is none")
        else:
            restore_portal(portal, Wanted(source, secrets or secrets_of(source), lists, takes_over), click.echo)
    except (CannotRestore, Incomplete) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"start it: ./kzopen serve --data {data}")


def _moment(given: str | None) -> datetime | None:
    """What was typed as a moment; one without a zone is of this machine's."""
    try:
        return datetime.fromisoformat(given).astimezone() if given else None
    except ValueError as error:
        raise click.UsageError(f"“{given}” is no moment; write it as 2026-03-05T14:30") from error
