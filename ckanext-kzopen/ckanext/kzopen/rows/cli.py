"""`ckan kzopen-rows …`: look at and mend what is derived from the versions of tables."""

from __future__ import annotations

import sys

import click
from ckan import model
from ckanext.kzopen.rows import model as versions


@click.group("kzopen-rows", short_help="Tables: check, reload, tidy")
def kzopen_rows() -> None:
    """The versions of tables, their files, and their copies in the DataStore."""


@kzopen_rows.command()
def check() -> None:
    """Compare every current version with the DataStore; exit code 1 when one differs.

    Example: ckan -c kzopen.ini kzopen-rows check
    """
    from ckanext.kzopen.rows import current

    found = list(current.astray(model.Session()))
    for one in found:
        click.echo(f"{one.uri}: version {one.number} has {one.wanted} rows, the DataStore {one.rows}")
    words = current.without_words()
    click.echo(f"{len(found)} astray, {len(words)} waiting for full-text search")
    sys.exit(1 if found else 0)


@kzopen_rows.command()
@click.argument("uri")
def reload(uri: str) -> None:
    """Load the current version of the data set URI into the DataStore anew.

    Example: ckan -c kzopen.ini kzopen-rows reload health-providers
    """
    from ckanext.kzopen.rows import current

    version = versions.latest(model.Session(), uri)
    if version is None:
        raise click.ClickException(f"no version of {uri} has been published")
    loaded = current.reload(version)
    click.echo(f"{uri}: version {version.number}, {loaded.rows} rows")


@kzopen_rows.command()
@click.option("--commit", is_flag=True, help="Delete the files; without it they are only listed.")
def tidy(commit: bool) -> None:
    """List, or delete, files that no version names: what interrupted publications left behind.

    Example: ckan -c kzopen.ini kzopen-rows tidy --commit
    """
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.rows import store

    known = versions.paths(model.Session())
    url = tk.config["kzopen.files_url"]
    for file in store.leftovers(url, known):
        click.echo(file.name)
    if commit:
        click.echo(f"{store.delete_leftovers(url, known)} deleted")
