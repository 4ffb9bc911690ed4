"""`ckan kzopen-rows …`: look at and mend what is derived from the versions of tables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from ckan import model
from ckanext.kzopen.rows import model as versions

if TYPE_CHECKING:
    from ckanext.kzopen.rows.comparing import Difference


NAMED = 5
"""Columns without their index that are told by name: there are many only where many were marked just now."""


@click.group("kzopen-rows", short_help="Tables: check, reload, tidy")
def kzopen_rows() -> None:
    """The versions of tables, their files, and their copies in the DataStore."""


@kzopen_rows.command()
def check() -> None:
    """Compare every current version with the DataStore; exit code 1 when one differs.

    Example: ckan -c kzopen.ini kzopen-rows check
    """
    from ckanext.kzopen.rows import current, deriving

    found = list(current.astray(model.Session()))
    for one in found:
        click.echo(f"{one.uri}: version {one.number} has {one.wanted} rows, the DataStore {one.rows}")
    mislabelled = list(current.mislabelled(model.Session()))
    for uri in mislabelled:
        click.echo(f"{uri}: the DataStore tells the columns otherwise than the passport")
    misindexed = [f"{uri}: {column}" for uri, column in current.misindexed(model.Session())]
    words, uncounted = current.without_words(), deriving.missing(model.Session())
    told = f"{len(found)} astray, {len(mislabelled)} with old labels, {len(words)} waiting for full-text search, "
    told += f"{len(misindexed)} columns with an index missing or left over"
    told += f" ({', '.join(misindexed[:NAMED])})" if misindexed else ""
    click.echo(f"{told}, {len(uncounted)} without a DuckDB file")
    sys.exit(1 if found or mislabelled else 0)


@kzopen_rows.command()
@click.argument("uris", nargs=-1)
def compare(uris: tuple[str, ...]) -> None:
    """Compare the DataStore cell by cell with the current versions, of all data sets or of URIS; exit code 1 when one differs
    or cannot be compared. Of each table the newest version whose rows have a checksum is read and compared with that.

    It finds what was changed by SQL, past the portal, and costs two to three times what loading the tables costs.

    Example: ckan -c kzopen.ini kzopen-rows compare health-providers
    """
    from ckanext.kzopen.rows import current

    tables = rows = differing = unread = 0
    try:
        for version, found in current.changed(model.Session(), uris):
            if found and found.files:
                unread += 1
                click.echo(f"{version.uri}: files of version {version.number} are missing")
                continue
            tables, rows, differing = tables + 1, rows + version.rows, differing + bool(found)
            if found:
                click.echo(f"{version.uri}: {_told(found, version.number)}")
        summed = [*current.summed(model.Session(), uris)]
    except current.NoVersion as unknown:
        raise click.ClickException(f"no version of {unknown} is in the DataStore") from unknown
    for version in (version for version, same in summed if not same):
        click.echo(f"{version.uri}: the rows of version {version.number} do not give their SHA-256")
    told = f"{differing} tables differ, {unread} were not compared"
    click.echo(f"{rows} rows in {tables} tables compared cell by cell, {told}")
    sys.exit(1 if differing or unread or not all(same for _, same in summed) else 0)


def _told(found: Difference, number: int) -> str:
    if found.columns:
        return f"the DataStore has other columns than version {number}"
    return f"{found.rows} rows in the DataStore are not those of version {number}, the first is row {found.first}"


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
@click.argument("uris", nargs=-1)
def derive(uris: tuple[str, ...]) -> None:
    """Make the DuckDB files from which large tables are counted, where they are missing: of all data sets, or of URIS.

    Example: ckan -c kzopen.ini kzopen-rows derive health-providers
    """
    from ckanext.kzopen.rows import deriving

    session = model.Session()
    for uri in uris or deriving.missing(session):
        version = versions.latest(session, uri)
        if version is None:
            raise click.ClickException(f"no version of {uri} has been published")
        click.echo(f"{uri}: {'made' if deriving.derive(session, version) else 'nothing to do'}")


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


@kzopen_rows.command()
@click.option("--commit", is_flag=True, help="Thin them out; without it they are only listed.")
def thin(commit: bool) -> None:
    """List, or thin out, old versions by the rules of schemas/versions.yaml; the history shows what was thinned out.

    Example: ckan -c kzopen.ini kzopen-rows thin --commit
    """
    from datetime import datetime

    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.core.texts import ASTANA
    from ckanext.kzopen.rows import thinning

    session, today = model.Session(), datetime.now(ASTANA).date()
    plans = list(thinning.planned(session, thinning.load_rules(), today))
    for plan in plans:
        numbers = ", ".join(map(str, plan.numbers))
        click.echo(f"{plan.uri}: {len(plan.numbers)} versions go, {plan.left} stay: {numbers}")
        if commit:
            thinning.thin(session, tk.config["kzopen.files_url"], plan)
    total = sum(len(plan.numbers) for plan in plans)
    click.echo(f"{total} versions {'were thinned out' if commit else 'would be thinned out; --commit does it'}")
