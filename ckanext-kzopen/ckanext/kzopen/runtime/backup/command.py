"""`./kzopen backup` and `./kzopen restore`."""

from __future__ import annotations

from pathlib import Path

import click
from ckanext.kzopen.runtime.recorded import data_option, portal_of

DATA_HELP = "The empty data directory of the restored portal."


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def backup(target: Path, data: Path | None) -> None:
    """Make one archive of everything that the portal keeps, while it runs.

    Its secrets are written beside it, into TARGET.secrets.json: keep them apart.

    Example: ./kzopen backup /backup/kzopen-2026-03-05.tar
    """
    from ckanext.kzopen.runtime.backup.making import CannotBackUp, make

    target = target.absolute()
    try:
        secrets = make(portal_of(data), target, click.echo)
    except CannotBackUp as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{target}  {target.stat().st_size / 2**20:.1f} MB")
    click.echo(f"{secrets}  keep it apart: with both one can sign in the portal's name")


@click.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help=DATA_HELP)
@click.option(
    "--secrets", type=click.Path(path_type=Path, dir_okay=False), help="The archive's secrets (default: SOURCE.secrets.json)."
)
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
def restore(source: Path, data: Path, secrets: Path | None, lists: tuple[Path, ...], takes_over: bool) -> None:
    """Make the portal of an archive in an empty data directory. What was withdrawn since is withdrawn again.

    Example: ./kzopen restore /backup/kzopen-2026-03-05.tar --data /srv/kzopen --withdrawn /srv/kzopen-old
    """
    from ckanext.kzopen.runtime.backup.making import secrets_of
    from ckanext.kzopen.runtime.backup.restoring import CannotRestore, Wanted
    from ckanext.kzopen.runtime.backup.restoring import restore as restore_portal
    from ckanext.kzopen.runtime.command import portal_with

    try:
        wanted = Wanted(source.absolute(), secrets or secrets_of(source), lists, takes_over)
        restore_portal(portal_with(data=data), wanted, click.echo)
    except CannotRestore as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"start it: ./kzopen serve --data {data}")
