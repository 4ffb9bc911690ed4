"""`ckan kzopen-search …`: rebuild, check, repair."""

from __future__ import annotations

import sys
import time

import ckan.model as model
import click
from ckanext.kzopen.core import outbox
from ckanext.kzopen.search import health, rebuild, topics
from ckanext.kzopen.search.engines.base import EngineError
from ckanext.kzopen.search.health import Check

_SETTLING = 2.0
"""Seconds after which a difference is looked at again: what is being changed at this moment is none."""


@click.group("kzopen-search", short_help="The search index: rebuild, check, repair")
def kzopen_search() -> None:
    """The search index of kzopen; it follows the database by itself, these commands are for doubts."""


@kzopen_search.command("rebuild")
@click.option("--recompute", is_flag=True, help="Compute every document anew from its package first.")
@click.option("--wait", default=600.0, show_default=True, help="Seconds to wait for the indexer.")
def rebuild_index(recompute: bool, wait: float) -> None:
    """Build the index anew beside the one that answers, then switch.

    Example: ckan kzopen-search rebuild --recompute
    """
    if recompute:
        rebuild.rebuild_fast()
    row = outbox.emit(model.Session, topics.REBUILD, "all")
    model.Session.commit()
    start = time.monotonic()
    while outbox.waiting(model.Session, topics.INDEX, [row]):
        model.Session.rollback()
        seconds = time.monotonic() - start
        if seconds > wait:
            click.echo(f"\nThe indexer has not built the index within {wait:.0f} s; is it running? ./kzopen status", err=True)
            sys.exit(1)
        click.echo(f"\rThe indexer builds the index: {seconds:.0f} s", nl=False)
        time.sleep(0.2)
    click.echo(f"\nThe index is built, {rebuild.full_check().documents} documents.")


@kzopen_search.command()
@click.option("--recompute", is_flag=True, help="Also compute every document anew and compare; 30 a second.")
def check(recompute: bool) -> None:
    """Compare packages, documents and index; ends with 1 if they differ.

    Example: ckan kzopen-search check
    """
    found = _settled(recompute)
    for sentence in found.sentences():
        click.echo(sentence)
    if not found.clean:
        sys.exit(1)
    click.echo(f"The index is in step with the database, {found.documents} documents.")


@kzopen_search.command()
@click.option("--recompute", is_flag=True, help="Also mend documents that would come out differently today.")
def repair(recompute: bool) -> None:
    """Mend what `check` finds.

    Example: ckan kzopen-search repair
    """
    found = _settled(recompute)
    if found.clean:
        click.echo("Nothing is out of step.")
        return
    for sentence in found.sentences():
        click.echo(sentence)
    rebuild.repair(found)
    click.echo("Mended.")


@kzopen_search.command()
def lag() -> None:
    """Tell how far the index is behind.

    Example: ckan kzopen-search lag
    """
    for name, value in health.lag(model.Session).items():
        click.echo(f"{name}: {value:g}")


def _settled(recompute: bool) -> Check:
    """What is out of step now and a moment later."""
    try:
        found = rebuild.full_check(recompute)
        if not found.clean:
            model.Session.rollback()
            time.sleep(_SETTLING)
            found = rebuild.full_check(recompute)
    except EngineError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    return found
