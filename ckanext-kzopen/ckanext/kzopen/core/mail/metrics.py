"""Mail for Prometheus: what waits and for how long, what is in doubt, what was given up."""

from __future__ import annotations

from collections.abc import Iterator

from ckanext.kzopen.core.mail.upkeep import IN_DOUBT
from ckanext.kzopen.core.web.metrics import Rows, register_figures
from prometheus_client.core import GaugeMetricFamily

# A mail that its recipient's server has put off waits for that server; one without a try waits for us, or for our own server.
_WAITING = """
    SELECT tried, coalesce(number, 0), coalesce(extract(epoch FROM now() - oldest), 0)
    FROM (VALUES (false), (true)) AS known (tried) LEFT JOIN (
        SELECT tries > 0 AS tried, count(*) AS number, min(created) AS oldest
        FROM kzopen.mail WHERE state = 'queued' GROUP BY 1
    ) told USING (tried)
"""
_ENDED_BADLY = f"""
    SELECT (SELECT count(*) FROM kzopen.mail WHERE {IN_DOUBT}), (SELECT count(*) FROM kzopen.mail WHERE state = 'given_up')
"""  # noqa: S608 - a constant


@register_figures
def figures(rows: Rows) -> Iterator[GaugeMetricFamily]:
    """The figures of this moment."""
    waiting = GaugeMetricFamily(
        "kzopen_mails_waiting", "Mails that wait for their first try, or for another one.", labels=["tried"]
    )
    oldest = GaugeMetricFamily("kzopen_mails_oldest_waiting_seconds", "Age of the oldest of them.", labels=["tried"])
    for tried, number, seconds in rows(_WAITING):
        label = ["yes" if tried else "no"]
        waiting.add_metric(label, float(str(number)))
        oldest.add_metric(label, float(str(seconds)))
    doubt = GaugeMetricFamily("kzopen_mails_in_doubt", "Mails of which nobody knows whether they were taken.")
    given_up = GaugeMetricFamily("kzopen_mails_given_up", "Mails of the last 90 days that were tried too often.")
    for in_doubt, lost in rows(_ENDED_BADLY):
        doubt.add_metric([], float(str(in_doubt)))
        given_up.add_metric([], float(str(lost)))
    yield from (waiting, oldest, doubt, given_up)
