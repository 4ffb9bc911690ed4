"""`ckan kzopen-search …`: rebuild, check, repair."""

from __future__ import annotations

import logging
import sys
import time
from typing import NoReturn

import ckan.model as model
import click
from ckanext.kzopen.core import outbox
from ckanext.kzopen.search import connection, health, progress, rebuild, topics
from ckanext.kzopen.search.engines.base import EngineAway, EngineError
from ckanext.kzopen.search.health import Check

log = logging.getLogger(__name__)

_SETTLING = 2.0
"""Seconds after which a difference is looked at again: what is being changed at this moment is none."""
_PAUSE = 0.2
_SILENCE = 5.0
"""Seconds without news from the indexer after which the engine is asked whether it answers, and asked again."""
_MOST_MISSES = 3
"""The indexer itself tries again, so one answer that did not come is no end."""
_AWAY = "{}. Start it, or mend search_url, and run this command again."


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
    if sentence := _away():
        _stop(sentence)
    problem = rebuild.computed_anew() if recompute else ""
    _build(wait)
    _tell_what_is_left(_settled(False), [problem] if problem else [], "The index is built")


def _build(wait: float) -> None:
    """Have the indexer build the index anew, and show how far it is."""
    with progress.listening(model.meta.engine) as hear:
        row = outbox.emit(model.Session, topics.REBUILD, "all")
        model.Session.commit()
        show, start = progress.Shown("The indexer builds the index"), time.monotonic()
        heard, misses = start, 0
        while outbox.waiting(model.Session, topics.INDEX, [row]):
            model.Session.rollback()
            now = time.monotonic()
            if now - start > wait:
                _stop(f"\nThe indexer has not built the index within {wait:.0f} s; is it running? ./kzopen status")
            if news := hear(_PAUSE):
                heard, misses = now, 0
                show(*news)
            elif now - heard > _SILENCE * (misses + 1):
                show.say(f"Nothing new from the indexer for {now - heard:.0f} s")
                misses += 1
                if (sentence := _away()) and misses >= _MOST_MISSES:
                    _stop(f"\n{sentence}")
        if news := hear(_PAUSE):
            show(*news)
    click.echo("")


def _stop(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)


def _away() -> str:
    """The name of the engine when it does not answer, for nothing can be built then, and what to do."""
    try:
        connection.ask_for_nothing()
    except EngineAway as error:
        return _AWAY.format(error)
    except EngineError as error:
        log.debug("the indexer is about to build the index: %s", error)
    return ""


def _tell_what_is_left(found: Check, problems: list[str], done: str) -> None:
    """`done` is told when nothing is out of step and there were no problems; else both, and what to do, and the end is 1."""
    if found.clean and not problems:
        click.echo(f"{done}, {found.documents} documents; all is in step.")
        return
    click.echo(f"{done}, {found.documents} documents, but not all is in step:")
    for sentence in [*problems, *found.sentences()]:
        click.echo(sentence)
    _stop("Look whether the indexer runs and follows: ./kzopen status. Then mend the rest: ./kzopen search repair --recompute")


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
@click.option("--wait", default=600.0, show_default=True, help="Seconds to wait for the indexer.")
def repair(recompute: bool, wait: float) -> None:
    """Mend what `check` finds, and check again; ends with 1 if something is left.

    Example: ckan kzopen-search repair
    """
    found = _settled(recompute)
    if found.clean:
        click.echo("Nothing is out of step.")
        return
    for sentence in found.sentences():
        click.echo(sentence)
    click.echo(f"Mending it; the indexer is waited for, at most {wait:.0f} s.")
    failed = rebuild.repair(found, progress.Shown("Computing documents anew"), wait)
    click.echo("")
    _tell_what_is_left(_settled(recompute), failed, "Mended")


@kzopen_search.command()
def lag() -> None:
    """Tell how far the index is behind.

    Example: ckan kzopen-search lag
    """
    for name, value in health.lag(model.Session).items():
        click.echo(f"{name}: {value:g}")


def _settled(recompute: bool) -> Check:
    """What is out of step now and still a moment later."""
    try:
        found = rebuild.full_check(recompute)
        if not found.clean:
            model.Session.rollback()
            time.sleep(_SETTLING)
            found = found.lasting(rebuild.full_check(recompute))
    except EngineAway as error:
        _stop(_AWAY.format(error))
    except EngineError as error:
        _stop(f"{error}. It is built by ./kzopen search rebuild")
    return found
