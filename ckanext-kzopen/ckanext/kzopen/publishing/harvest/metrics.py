"""Harvesting for Prometheus: runs under way, items of each source's last run, how long ago it succeeded, how long it fails."""

from __future__ import annotations

from collections.abc import Iterator

from ckanext.kzopen.core.web.metrics import Rows, register_figures
from ckanext.kzopen.publishing.harvest.health import FAILS_SINCE, GOOD
from prometheus_client.core import GaugeMetricFamily

OPEN = """
    SELECT state, count(*) FROM kzopen.harvest_run
    WHERE state IN ('queued', 'discovering', 'fetching', 'awaiting_confirmation') GROUP BY state
"""
LAST = """
    SELECT DISTINCT ON (source.name) source.name, run.added, run.changed, run.unchanged, run.removed, run.failed,
           extract(epoch FROM now() - run.finished)
    FROM kzopen.harvest_source source JOIN kzopen.harvest_run run ON run.source_id = source.id
    WHERE source.state = 'active' AND run.purpose = 'harvest' AND run.state = 'finished'
    ORDER BY source.name, run.finished DESC
"""
FAILING = f"""
    SELECT source.name, coalesce(extract(epoch FROM now() - {FAILS_SINCE}), 0)
    FROM kzopen.harvest_source source {GOOD} WHERE source.state = 'active'
"""  # noqa: S608 - constants
"""Seconds since the first run that failed after the last one that did not; 0 when the last one did not."""
OUTCOMES = ("added", "changed", "unchanged", "removed", "failed")


@register_figures
def figures(rows: Rows) -> Iterator[GaugeMetricFamily]:
    """The figures of this moment."""
    runs = GaugeMetricFamily("kzopen_harvest_runs", "Runs that are not at their end, by state.", labels=["state"])
    for state, number in rows(OPEN):
        runs.add_metric([str(state)], float(str(number)))
    items = GaugeMetricFamily("kzopen_harvest_items", "Items of the last finished run.", labels=["source", "outcome"])
    ago = GaugeMetricFamily("kzopen_harvest_last_success_seconds", "Seconds since the last finished run.", labels=["source"])
    for name, *numbers, seconds in rows(LAST):
        for outcome, number in zip(OUTCOMES, numbers, strict=True):
            items.add_metric([str(name), outcome], float(str(number or 0)))
        ago.add_metric([str(name)], float(str(seconds)))
    failing = GaugeMetricFamily(
        "kzopen_harvest_failing_seconds", "Seconds for which every run of a source has failed.", labels=["source"]
    )
    for name, seconds in rows(FAILING):
        failing.add_metric([str(name)], float(str(seconds)))
    yield from (runs, items, ago, failing)
