"""Background work of tables."""

from __future__ import annotations

from datetime import datetime

from ckan import model
from ckanext.kzopen.core.jobs import NO_RETRY, UPKEEP, Retry, task


@task("rows.fill_full_text", cron="* * * * *", retry=Retry(times=3, first=5, longest=20), queue=UPKEEP)
def fill_full_text() -> None:
    """Let `q` find the rows of large tables, which are published before their words are indexed.

    It fails when a new version takes the place of a table just then, and is tried again.
    """
    from ckanext.kzopen.rows import current

    current.fill_words()


@task("rows.fold", retry=Retry(times=4, first=5, longest=60), queue=UPKEEP)
def fold(package: str) -> None:
    """Shorten the way to the current version of a table, take its new words in, and make the file from which it is counted."""
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.rows import current, deriving, folding

    session = model.Session()
    folding.fold(session, tk.config["kzopen.files_url"], package)
    version = folding.newest(session, package)
    if version is not None:
        current.take_in_words(version)
        deriving.derive(session, version)


@task("rows.thin", cron="40 21 * * *", retry=NO_RETRY, queue=UPKEEP)
def thin() -> None:
    """Thin out old versions by `schemas/versions.yaml` where that is switched on there, at night in Astana."""
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.core.texts import ASTANA
    from ckanext.kzopen.rows import thinning

    today = datetime.now(ASTANA).date()
    thinning.thin_at_night(model.Session(), tk.config["kzopen.files_url"], thinning.load(), today)


@task("rows.tidy", cron="47 3 * * *", retry=NO_RETRY, queue=UPKEEP)
def tidy() -> None:
    """Delete files that nothing names: what deaths left behind, and what was derived of older versions."""
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.rows import deriving, store
    from ckanext.kzopen.rows import model as versions

    session = model.Session()
    store.delete_leftovers(tk.config["kzopen.files_url"], versions.paths(session))
    deriving.tidy(session)
