"""Background work of tables."""

from __future__ import annotations

from ckan import model
from ckanext.kzopen.core.jobs import NO_RETRY, Retry, task


@task("rows.fill_full_text", cron="* * * * *", retry=NO_RETRY)
def fill_full_text() -> None:
    """Let `q` find the rows of large tables, which are published before their words are indexed."""
    from ckanext.kzopen.rows import current

    current.fill_words()


@task("rows.fold", retry=Retry(times=4, first=5, longest=60))
def fold(package: str) -> None:
    """Shorten the way to the current version of a table."""
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.rows import folding

    folding.fold(model.Session(), tk.config["kzopen.files_url"], package)
