"""The background of figures."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.figures.access import counting, record
from ckanext.kzopen.core.figures.compute import keep_latest


@jobs.task("figures.count_accesses", cron="* * * * *", retry=jobs.NO_RETRY)
def count_accesses() -> None:
    """Count the new access records; put the file aside each day, delete what is past its keeping."""
    folder = record.folder(tk.config["kzopen.data"])
    counting.count_new(model.Session(), folder)
    counting.look_after(model.Session(), folder)


@jobs.task("figures.compute", cron="*/10 * * * *", retry=jobs.NO_RETRY)
def compute() -> None:
    """Compute the figures of the running periods, and those for which rows came late."""
    keep_latest(model.Session())
