"""`ckan kzopen-search …`: rebuild, check, repair."""

from __future__ import annotations

import click


@click.group("kzopen-search", short_help="The search index: rebuild, check, repair")
def kzopen_search() -> None:
    """The search index of kzopen; it follows the database by itself, these commands are for doubts."""
