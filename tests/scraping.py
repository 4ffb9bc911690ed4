"""What Prometheus would be told, as values by the name of a figure and its labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web.metrics import Rows
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.orm import Session

Told = dict[tuple[str, ...], float]
"""By the name of a sample and the values of its labels in the order of their names: ("kzopen_jobs", "default", "todo")."""


def scrape(app: CKANTestApp) -> list[Metric]:
    """The answer of /metrics as Prometheus reads it."""
    headers = {"Authorization": f"Bearer {tk.config['kzopen.metrics_token']}"}
    return list(text_string_to_metric_families(app.get("/metrics", headers=headers).get_data(as_text=True)))


def told(families: Iterable[Metric]) -> Told:
    """The values of all samples."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def rows_of(session: Session) -> Rows:
    """Figures read their tables in this session, whose work nobody else sees."""

    def rows(query: str, **parameters: Any) -> list[tuple[object, ...]]:
        return [tuple(row) for row in session.execute(text(query), parameters)]

    return rows
