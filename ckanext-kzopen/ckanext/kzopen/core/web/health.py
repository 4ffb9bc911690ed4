"""`/healthz` (the process answers), `/readyz` (what it needs answers too); neither tells hosts, versions or reasons."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import ckan.model as model
from ckan.lib import search
from ckan.lib.redis import connect_to_redis
from ckanext.kzopen.core.web.caching import uncached
from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)
Check = Callable[[], bool]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]


def database_answers() -> bool:
    """PostgreSQL answers within two seconds, and the migrations of `kzopen` have run."""
    try:
        with model.meta.engine.connect() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 2000"))
            return bool(connection.scalar(text("SELECT to_regclass('kzopen.event') IS NOT NULL")))
    except SQLAlchemyError:
        log.warning("the database does not answer", exc_info=True)
        return False


def redis_answers() -> bool:
    try:
        return bool(connect_to_redis().ping())
    except (RedisError, OSError):
        log.warning("redis does not answer", exc_info=True)
        return False


def search_answers() -> bool:
    """Whatever stands behind CKAN's search: the plugin kzopen_search replaces this function of CKAN. Pages work without it."""
    return bool(search.is_available())


CHECKS: dict[str, Check] = {"database": database_answers, "redis": redis_answers, "search": search_answers}


def missing(checks: dict[str, Check] | None = None) -> list[str]:
    """The names of what does not answer."""
    return [name for name, answers in (checks or CHECKS).items() if not answers()]


blueprint = Blueprint("kzopen_health", __name__)


@blueprint.get("/readyz")
def ready() -> Response:
    """200 when everything answers; else 503 with the names of what does not."""
    gaps = missing()
    response = jsonify(ready=not gaps, missing=gaps)
    response.status_code = 503 if gaps else 200
    return uncached(response)


class Alive:
    """Answers `/healthz` before CKAN opens a session or a database connection: it depends on nothing."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ.get("PATH_INFO") != "/healthz":
            return self._application(environ, start_response)
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "3"), ("Cache-Control", "no-store")]
        start_response("200 OK", headers)
        return [b"ok\n"]
