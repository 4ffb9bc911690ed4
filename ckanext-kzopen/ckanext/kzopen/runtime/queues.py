"""How much waits in the queues of a running portal."""

from __future__ import annotations

from typing import Any

import psycopg
import redis
from ckanext.kzopen.core.mail.upkeep import IN_DOUBT
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal

COUNTS = {
    "jobs waiting": "SELECT count(*) FROM kzopen.procrastinate_jobs WHERE status = 'todo'",
    "jobs running": "SELECT count(*) FROM kzopen.procrastinate_jobs WHERE status = 'doing'",
    "jobs failed": "SELECT count(*) FROM kzopen.procrastinate_jobs WHERE status = 'failed'",
    "mails waiting": "SELECT count(*) FROM kzopen.mail WHERE state = 'queued'",
    "mails in doubt": f"SELECT count(*) FROM kzopen.mail WHERE {IN_DOUBT}",  # noqa: S608 - a constant
    "index lag, changes": "SELECT count(*) FROM kzopen.outbox_delivery WHERE consumer = 'search'",
}


def queue_lengths(portal: Portal) -> dict[str, int | None]:
    """Lengths of the queues; None where the database, or Valkey, does not answer or the table is missing."""
    found: dict[str, int | None] = dict.fromkeys(COUNTS) | {"CKAN's jobs waiting": _of_ckan(portal)}
    try:
        with psycopg.connect(addresses(portal)["sqlalchemy.url"], connect_timeout=3, autocommit=True) as connection:
            for name, query in COUNTS.items():
                found[name] = _one_number(connection, query)
    except psycopg.OperationalError:
        return found
    return found


def _of_ckan(portal: Portal) -> int | None:
    """Jobs that extensions of CKAN have put into its own queues."""
    try:
        with redis.Redis.from_url(addresses(portal)["ckan.redis.url"], socket_timeout=3, socket_connect_timeout=3) as valkey:
            return sum(int(valkey.llen(queue)) for queue in valkey.smembers("rq:queues"))
    except redis.RedisError:
        return None


def _one_number(connection: psycopg.Connection[Any], query: str) -> int | None:
    try:
        row = connection.execute(query.encode()).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return int(row[0]) if row else None
