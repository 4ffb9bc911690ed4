"""The publish path for Prometheus: for how long the oldest delivery has waited, or has been checked."""

from __future__ import annotations

from collections.abc import Iterator

from ckanext.kzopen.core.web.metrics import Rows, register_figures
from prometheus_client.core import GaugeMetricFamily

_OLDEST = """
    SELECT told.state, coalesce(extract(epoch FROM now() - min(coalesce(d.checking, d.received))), 0)
    FROM (VALUES ('received'), ('checking')) AS told (state)
    LEFT JOIN kzopen.delivery d ON d.state = told.state AND d.state IN ('received', 'checking') GROUP BY 1
"""


@register_figures
def figures(rows: Rows) -> Iterator[GaugeMetricFamily]:
    """The figures of this moment."""
    oldest = GaugeMetricFamily(
        "kzopen_delivery_oldest_seconds",
        "How long the oldest delivery has been in a state, or 0.",
        labels=["state"],
    )
    for state, seconds in rows(_OLDEST):
        oldest.add_metric([str(state)], float(str(seconds)))
    yield oldest
