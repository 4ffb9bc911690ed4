"""Upkeep of accounts."""

from __future__ import annotations

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.people.accounts import links


@jobs.task("people.sweep_links", cron="23 * * * *")
def sweep_links() -> None:
    """Delete links that are over, with the names and addresses in them."""
    links.sweep(model.Session)
    model.Session.commit()
