"""When a host may be asked again: its pauses, and its own `Retry-After`, hold for all processes of the portal.

They are kept in Valkey, as keys that end with the pause. Where Valkey does not answer, each thread pauses for itself, and a
host's `Retry-After` holds for the item that met it.
"""

from __future__ import annotations

import time
from functools import cache

import ckan.plugins.toolkit as tk
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

_PATIENCE = 2.0
"""Seconds for an answer of Valkey, or a connection to it: one that hangs must not hold the harvests for long."""
_REST = """
    if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
"""


def left(host: str, pause: float) -> float:
    """Seconds after which to ask again whether the host may be asked; 0 when it may be now, and its next pause has begun."""
    key, connection = _key(host), _valkey()
    try:
        if not pause:
            return max(0.0, float(connection.pttl(key))) / 1000
        if connection.set(key, 1, px=_milliseconds(pause), nx=True):
            return 0.0
        return (max(0.0, float(connection.pttl(key))) + 1) / 1000  # in its last millisecond the key is still there
    except RedisError:
        time.sleep(pause)
        return 0.0


def rest(host: str, seconds: float) -> None:
    """Ask the host no more for so long, or for as long as it rests already."""
    try:
        _valkey().eval(_REST, 1, _key(host), str(_milliseconds(seconds)))
    except RedisError:
        return


def _valkey() -> Redis:
    return _client(str(tk.config["ckan.redis.url"]))


@cache
def _client(url: str) -> Redis:
    # Once more, for a connection that Valkey closed meanwhile: four patiences at most, where redis-py itself takes many.
    once_more = Retry(NoBackoff(), 1)
    return Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=once_more)


def _key(host: str) -> str:
    return f"kzopen:harvest:rest:{host}"


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
