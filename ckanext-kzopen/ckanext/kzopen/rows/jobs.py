"""Background work of tables."""

from __future__ import annotations

from ckanext.kzopen.core.jobs import NO_RETRY, task


@task("rows.fill_full_text", cron="* * * * *", retry=NO_RETRY)
def fill_full_text() -> None:
    """Let `q` find the rows of large tables, which are published before their words are indexed."""
    from ckanext.kzopen.rows import current

    current.fill_words()
