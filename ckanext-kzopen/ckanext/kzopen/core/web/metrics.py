"""`/metrics` for Prometheus: requests by route, outbox and jobs; for holders of `kzopen.metrics_token` only.

Under gunicorn each worker keeps its counters in files of PROMETHEUS_MULTIPROC_DIR, and a scrape sums them.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterator

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.web.caching import uncached
from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

REQUESTS = Counter("kzopen_requests_total", "Answered requests.", ["method", "route", "status"])
SECONDS = Histogram(
    "kzopen_request_seconds",
    "Time from the request's arrival to its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count one request; `route` is Flask's endpoint, so that labels stay few whatever is asked for."""
    known = method if method in _METHODS else "other"
    name = route or "unknown"
    REQUESTS.labels(known, name, str(status)).inc()
    SECONDS.labels(known, name).observe(seconds)


_OUTBOX = """
    SELECT c.name, count(d.outbox_id), coalesce(extract(epoch FROM now() - min(o.created)), 0)
    FROM kzopen.outbox_consumer c
    LEFT JOIN kzopen.outbox_delivery d ON d.consumer = c.name
    LEFT JOIN kzopen.outbox o ON o.id = d.outbox_id
    GROUP BY c.name
"""
_JOBS = "SELECT queue_name, status::text, count(*) FROM kzopen.procrastinate_jobs GROUP BY 1, 2"


Rows = Callable[[str], list[tuple[object, ...]]]
"""Takes a query; gives its rows, none when the database does not answer."""
Figures = Callable[[Rows], Iterator[GaugeMetricFamily]]
_figures: list[Figures] = []


def register_figures(figures: Figures) -> Figures:
    """Let a section's figures be read at each scrape."""
    if figures not in _figures:
        _figures.append(figures)
    return figures


class Tables:
    """Figures that lie in the database and are read at each scrape; a table that is not there gives none."""

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("kzopen_outbox_waiting", "Rows that a consumer has still to take.", labels=["consumer"])
        lag = GaugeMetricFamily("kzopen_outbox_lag_seconds", "Age of the oldest of them.", labels=["consumer"])
        for consumer, rows, age in _rows(_OUTBOX):
            waiting.add_metric([str(consumer)], float(str(rows)))
            lag.add_metric([str(consumer)], float(str(age)))
        jobs = GaugeMetricFamily("kzopen_jobs", "Jobs by queue and status.", labels=["queue", "status"])
        for queue, status, number in _rows(_JOBS):
            jobs.add_metric([str(queue), str(status)], float(str(number)))
        yield from (waiting, lag, jobs)
        for figures in _figures:
            yield from figures(_rows)


def _rows(query: str) -> list[tuple[object, ...]]:
    try:
        with model.meta.engine.connect() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 2000"))
            return [tuple(row) for row in connection.execute(text(query))]
    except SQLAlchemyError:
        return []


def registry() -> CollectorRegistry:
    """What one scrape reads: all workers' counters where there are several, and the figures of the tables."""
    chosen = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(chosen)  # type: ignore[no-untyped-call]
    else:
        chosen.register(REGISTRY)
    chosen.register(Tables())
    return chosen


def authorised(header: str, token: str) -> bool:
    """Whether an Authorization header, Bearer or Basic (any user name), carries the token."""
    if not token:
        return False
    scheme, _, value = header.partition(" ")
    given = value.strip() if scheme.lower() == "bearer" else _basic_password()
    return hmac.compare_digest(given.encode(), token.encode())


def _basic_password() -> str:
    found = request.authorization
    return (found.password or "") if found and found.type == "basic" else ""


blueprint = Blueprint("kzopen_metrics", __name__)


@blueprint.get("/metrics")
def scrape() -> Response:
    """404 where no token is set, 401 without the right one."""
    token = tk.config.get("kzopen.metrics_token") or ""
    if not token:
        return Response("not found\n", 404, content_type="text/plain")
    if not authorised(request.headers.get("Authorization", ""), token):
        return Response("unauthorised\n", 401, {"WWW-Authenticate": 'Bearer realm="metrics"'}, content_type="text/plain")
    return uncached(Response(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST))
