"""Jobs for Prometheus: how many by queue and status, how long the oldest has been due, what was given up."""

from __future__ import annotations

from collections.abc import Iterator

from ckanext.kzopen.core.jobs.queue import UNDONE
from ckanext.kzopen.core.jobs.registry import tasks
from ckanext.kzopen.core.web.metrics import Rows, register_figures
from prometheus_client.core import GaugeMetricFamily

# Queues and statuses without a job are told as 0, so that a first one is a change.
_COUNTS = """
    SELECT queue, status, coalesce(number, 0)
    FROM unnest(CAST(:queues AS text[])) AS queue CROSS JOIN (VALUES ('todo'), ('doing'), ('failed')) AS known (status)
    LEFT JOIN (
        SELECT queue_name AS queue, status::text AS status, count(*) AS number FROM kzopen.procrastinate_jobs GROUP BY 1, 2
    ) told USING (queue, status)
"""
# A job without a moment of its own is due since it was deferred, which procrastinate notes as its first event. Both halves
# look at the first entry of the index `jobs_due`, however many jobs wait.
_DUE = """
    SELECT queue, coalesce(extract(epoch FROM now() - least(
        (SELECT scheduled_at FROM kzopen.procrastinate_jobs
         WHERE status = 'todo' AND queue_name = queue AND scheduled_at <= now() ORDER BY scheduled_at LIMIT 1),
        (SELECT min(at) FROM kzopen.procrastinate_events WHERE job_id = (
            SELECT id FROM kzopen.procrastinate_jobs
            WHERE status = 'todo' AND queue_name = queue AND scheduled_at IS NULL ORDER BY scheduled_at, id LIMIT 1))
    )), 0)
    FROM unnest(CAST(:queues AS text[])) AS queue
"""
_UNDONE = f"""
    SELECT queue, count(job.id) FROM unnest(CAST(:queues AS text[])) AS queue
    LEFT JOIN (SELECT id, queue_name FROM kzopen.procrastinate_jobs job WHERE {UNDONE}) job ON job.queue_name = queue
    GROUP BY 1
"""  # noqa: S608 - a constant


@register_figures
def figures(rows: Rows) -> Iterator[GaugeMetricFamily]:
    """The figures of this moment."""
    queues = sorted({task.queue for task in tasks().values()})
    due = GaugeMetricFamily("kzopen_job_oldest_due_seconds", "How long the oldest job is due that waits.", labels=["queue"])
    jobs = GaugeMetricFamily("kzopen_jobs", "Jobs by queue and status.", labels=["queue", "status"])
    undone = GaugeMetricFamily("kzopen_jobs_undone", "Given-up jobs whose work no later run does.", labels=["queue"])
    for family, query in ((due, _DUE), (jobs, _COUNTS), (undone, _UNDONE)):
        for *labels, number in rows(query, queues=queues):
            family.add_metric([str(label) for label in labels], float(str(number)))
    yield from (due, jobs, undone)
