"""Background work of tables."""

from __future__ import annotations

from ckanext.kzopen.core.jobs import NO_RETRY, task


@task("rows.fill_full_text", cron="* * * * *", retry=NO_RETRY)
def fill_full_text() -> None:
    """Let `q` find the rows of large tables, which are published before their words are indexed."""
    from ckanext.datastore.backend.postgres import get_write_engine
    from ckanext.kzopen.rows import current, datastore

    for resource_id in current.without_words():
        datastore.fill_full_text(get_write_engine(), resource_id)
