"""`./kzopen search rebuild|check|repair`: the operator's side of the search index; CKAN's configuration is found for them."""

from __future__ import annotations

import os
from pathlib import Path

import click
from ckanext.kzopen.runtime.processes import CKAN
from ckanext.kzopen.runtime.recorded import data_option, portal_of

RECOMPUTE = "--recompute"


@click.group()
def search() -> None:
    """The search index: it follows the database by itself; these commands are for doubts.

    Example: ./kzopen search check
    """


@search.command()
@data_option
@click.option(RECOMPUTE, is_flag=True, help="Compute every document anew from its data set first, on all cores.")
@click.option("--wait", default=600.0, show_default=True, help="Seconds to wait for the indexer.")
def rebuild(data: Path | None, recompute: bool, wait: float) -> None:
    """Build the index anew beside the one that answers, then switch: there is no moment without search.

    Example: ./kzopen search rebuild
    """
    _run(data, "rebuild", recompute, "--wait", str(wait))


@search.command()
@data_option
@click.option(RECOMPUTE, is_flag=True, help="Also compute every document anew and compare; 30 a second.")
def check(data: Path | None, recompute: bool) -> None:
    """Compare data sets, documents and index; ends with 1 if they differ.

    Example: ./kzopen search check
    """
    _run(data, "check", recompute)


@search.command()
@data_option
@click.option(RECOMPUTE, is_flag=True, help="Also mend documents that would come out differently today.")
@click.option("--wait", default=600.0, show_default=True, help="Seconds to wait for the indexer.")
def repair(data: Path | None, recompute: bool, wait: float) -> None:
    """Mend what `check` finds, and check again; ends with 1 if something is left.

    Example: ./kzopen search repair
    """
    _run(data, "repair", recompute, "--wait", str(wait))


def _run(data: Path | None, command: str, recompute: bool, *more: str) -> None:
    """Become `ckan kzopen-search …` with the portal's configuration."""
    asked = [*CKAN, "-c", str(portal_of(data).ini), "kzopen-search", command, *([RECOMPUTE] if recompute else []), *more]
    os.execv(CKAN[0], asked)  # noqa: S606 - no shell
