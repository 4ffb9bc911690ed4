"""`/metrics` for Prometheus: requests by route, the outbox, and what sections add; for holders of `kzopen.metrics_token` only.

Under gunicorn each worker keeps its counters in files of PROMETHEUS_MULTIPROC_DIR, and a scrape sums them.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.web.caching import uncached
from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
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
_ONE_WITHIN, _ALL_WITHIN = 2.0, 6.0
"""Seconds."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count one request; `route` is Flask's endpoint, so that labels stay few whatever is asked for."""
    known = method if method in _METHODS else "other"
    name = route or "unknown"
    REQUESTS.labels(known, name, str(status)).inc()
    SECONDS.labels(known, name).observe(seconds)


# Asked one by one: to count a million rows takes its time and may be given up, and just then the lag must be told.
_WAITING = """
    SELECT name, coalesce(number, 0) FROM kzopen.outbox_consumer
    LEFT JOIN (SELECT consumer AS name, count(*) AS number FROM kzopen.outbox_delivery GROUP BY 1) told USING (name)
"""
# The oldest row is the one with the lowest number, the first of its consumer in the primary key. `>=` leaves the planner no
# other index: with `=` it walks over the rows of all consumers, in vain for one that has none.
_LAG = """
    SELECT name, coalesce(extract(epoch FROM now() - o.created), 0) FROM kzopen.outbox_consumer
    LEFT JOIN LATERAL (
        SELECT consumer, outbox_id FROM kzopen.outbox_delivery WHERE consumer >= name ORDER BY consumer, outbox_id LIMIT 1
    ) oldest ON oldest.consumer = name
    LEFT JOIN kzopen.outbox o ON o.id = oldest.outbox_id
"""


class Rows(Protocol):
    """Takes a query and its parameters; gives its rows, none when the database does not answer."""

    def __call__(self, query: str, **parameters: object) -> list[tuple[object, ...]]: ...


Figures = Callable[[Rows], Iterator[Metric]]
_figures: list[Figures] = []


def register_figures(figures: Figures) -> Figures:
    """Let a section's figures be read at each scrape."""
    if figures not in _figures:
        _figures.append(figures)
    return figures


class Tables:
    """Figures that lie in the database and are read at each scrape; a table that is not there gives none."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("kzopen_outbox_waiting", "Rows that a consumer has still to take.", labels=["consumer"])
        lag = GaugeMetricFamily("kzopen_outbox_lag_seconds", "Age of the oldest of them.", labels=["consumer"])
        rows = Asked()
        for family, query in ((waiting, _WAITING), (lag, _LAG)):
            for consumer, number in rows(query):
                family.add_metric([str(consumer)], float(str(number)))
        yield from (waiting, lag)
        for figures in _figures:
            yield from figures(rows)


class Asked:
    """The database as one scrape asks it: each question has two seconds, all of them six; then, and once it is away, no more.

    Prometheus gives up a scrape after ten seconds, and would take a slow database for a portal that is down.
    """

    def __init__(self) -> None:
        self._until = time.monotonic() + _ALL_WITHIN

    def __call__(self, query: str, **parameters: object) -> list[tuple[object, ...]]:
        left = self._until - time.monotonic()
        if left <= 0:
            return []
        try:
            with model.meta.engine.connect() as connection:
                connection.execute(text(f"SET LOCAL statement_timeout = {round(1000 * min(left, _ONE_WITHIN)) or 1}"))
                return [tuple(row) for row in connection.execute(text(query), parameters)]
        except SQLAlchemyError as error:
            if getattr(getattr(error, "orig", None), "pgcode", None) is None:  # not PostgreSQL's word: it is away
                self._until = 0.0
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
