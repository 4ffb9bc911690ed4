"""`./kzopen demo load|remove`. What the commands need is imported when they run: every command passes through here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

REMOVED = "demo-removed"
"""A file in the data directory: the content was removed on purpose, so the next start does not bring it again."""

if TYPE_CHECKING:
    from ckanext.kzopen.runtime.demo.loading import Summary

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The portal's data directory (default: the setting, ./var); its token is used.",
)
url_option = click.option("--url", help="Address of the portal (default: that of the portal in the data directory).")
token_option = click.option("--token", help="API token of a sysadmin (default: from the data directory).")
from_option = click.option(
    "--from", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A folder of real material."
)


@click.group()
def demo() -> None:
    """Demonstration content: six invented agencies with forty tables, or a folder of real material.

    Example: ./kzopen demo load
    """


@demo.command()
@from_option
@click.option("--if-empty", is_flag=True, help="Do nothing when the portal has data sets already.")
@data_option
@url_option
@token_option
def load(folder: Path | None, if_empty: bool, data: Path | None, url: str | None, token: str | None) -> None:
    """Load the demonstration content, or with --from a folder of real material; a second time changes nothing.

    Example: ./kzopen demo load --from ../shared/corpus
    """
    from ckanext.kzopen.runtime.demo.api import Refused
    from ckanext.kzopen.runtime.demo.load import is_empty

    folder_of_portal, url, token = connection(data, url, token)
    removed = folder_of_portal / REMOVED
    try:
        if if_empty and (removed.exists() or not is_empty(url, token)):
            click.echo("the portal has content, or its demonstration content was removed; nothing was loaded")
            return
        removed.unlink(missing_ok=True)
        summary = _load_corpus(url, token, folder) if folder else _load_demo(folder_of_portal, url, token)
    except Refused as error:
        raise click.ClickException(f"the portal did not take it: {error}") from error
    if not folder and summary.ended("refused"):
        raise click.exceptions.Exit(1)


def _load_demo(folder_of_portal: Path, url: str, token: str) -> Summary:
    from ckanext.kzopen.core.settings import Settings
    from ckanext.kzopen.runtime.demo import staff
    from ckanext.kzopen.runtime.demo.catalogue import data_sets
    from ckanext.kzopen.runtime.demo.load import load_demo
    from ckanext.kzopen.runtime.demo.showing import with_progress
    from ckanext.kzopen.runtime.portal import Portal

    portal = Portal(Settings(data=folder_of_portal))
    if portal.accounts.exists():
        staff.ensure_accounts(portal, url, token)

    return with_progress("demonstration content", len(data_sets()), lambda advance: load_demo(url, token, advance))


def _load_corpus(url: str, token: str, folder: Path) -> Summary:
    from ckanext.kzopen.runtime.demo.corpus import NotACorpus, load_corpus, open_corpus
    from ckanext.kzopen.runtime.demo.showing import with_progress

    try:
        corpus = open_corpus(folder)
    except NotACorpus as error:
        raise click.ClickException(str(error)) from error
    return with_progress("real material", corpus.total, lambda advance: load_corpus(url, token, corpus, advance))


@demo.command()
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows what it would remove.")
@data_option
@url_option
@token_option
def remove(commit: bool, data: Path | None, url: str | None, token: str | None) -> None:
    """Remove the demonstration content and nothing else.

    Example: ./kzopen demo remove --commit
    """
    from ckanext.kzopen.runtime.demo import remove as removing
    from ckanext.kzopen.runtime.demo.api import Api, Refused

    folder, url, token = connection(data, url, token)
    try:
        with Api(url, token) as api:
            plan = removing.plan(api)
            for name in [*plan.data_sets, *plan.organisations]:
                click.echo(f"  {'removes' if commit else 'would remove'} {name}")
            for name, reason in plan.kept.items():
                click.echo(f"  keeps {name}: {reason}")
            if commit:
                removing.carry_out(api, plan)
    except Refused as error:
        raise click.ClickException(str(error)) from error
    if commit and folder.is_dir():
        (folder / REMOVED).touch()
    counted = f"{len(plan.data_sets)} data sets, {len(plan.organisations)} organisations"
    click.echo(f"removed: {counted}" if commit else f"nothing was removed ({counted}); --commit does it")


def connection(data: Path | None, url: str | None, token: str | None) -> tuple[Path, str, str]:
    """The portal's data directory, its address and a token: the given ones, else those of the portal that lies there."""
    from ckanext.kzopen.core.settings import Settings
    from ckanext.kzopen.runtime.accounts import ADMINISTRATOR
    from ckanext.kzopen.runtime.portal import Portal
    from ckanext.kzopen.runtime.secrets import read_private
    from ckanext.kzopen.runtime.status import address_of

    portal = Portal(Settings(data=data) if data else Settings())
    token = token or read_private(portal.accounts).get(ADMINISTRATOR, {}).get("token")
    if not token:
        raise click.ClickException(f"no portal in {portal.data}; give --data, or --url and --token")
    return portal.data, url or address_of(portal), token
