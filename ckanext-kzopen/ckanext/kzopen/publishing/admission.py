"""How much one token may ask of the universal API, requests a minute and large bodies at once; headers of answers tell it.

Counted in Valkey, for all web processes together. Where Valkey does not answer nothing is refused: a delivery that is turned
away because the portal cannot count would be a loss, one too many is not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import ckan.plugins.toolkit as tk
from ckan.lib.redis import connect_to_redis
from ckanext.kzopen.core.people.secrets import keyed
from ckanext.kzopen.core.web.errors import KzError
from flask import Response, g
from redis import RedisError

MINUTE = 60
LEASE = 300
"""Seconds for which a body that nobody reads any more (its process was killed) goes on counting."""
LARGE = 1 << 20
"""Bytes of a body from which on it counts as a large one; one without a length is."""


class TooMany(KzError):
    """A limit was reached; `retry_after` is in seconds."""

    def __init__(self, code: str, retry_after: int, /, **params: object) -> None:
        super().__init__(code, **params)
        self.retry_after = retry_after


def count(holder: str) -> None:
    """Count a request of the token's holder; raises TooMany when there were enough in this minute."""
    limit = int(tk.config["kzopen.requests_a_minute"])
    now = time.time()
    key = f"kzopen:requests:{keyed('throttle', holder)}:{int(now // MINUTE)}"
    try:
        with connect_to_redis().pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, 2 * MINUTE)
            made = int(pipe.execute()[0])
    except RedisError:
        return
    left = MINUTE - int(now % MINUTE)
    g.kzopen_rate = (limit, max(0, limit - made), left)
    if made > limit:
        raise TooMany("publishing.too_many_requests", left, limit=limit, seconds=left)


@contextmanager
def receiving(holder: str, length: int | None) -> Iterator[None]:
    """The time in which a body is read; raises TooMany when the holder sends enough large ones already."""
    if length is not None and length < LARGE:
        yield
        return
    limit = int(tk.config["kzopen.bodies_at_once"])
    key, mine, now = f"kzopen:bodies:{keyed('throttle', holder)}", uuid4().hex, time.time()
    try:
        with connect_to_redis().pipeline() as pipe:
            pipe.zremrangebyscore(key, 0, now - LEASE)
            pipe.zadd(key, {mine: now})
            pipe.expire(key, LEASE)
            pipe.zrank(key, mine)
            place = int(pipe.execute()[3])
    except RedisError:
        place = 0
    try:
        if place >= limit:
            raise TooMany("publishing.too_many_bodies", 5, limit=limit)
        yield
    finally:
        _end(key, mine)


def _end(key: str, mine: str) -> None:
    try:
        connect_to_redis().zrem(key, mine)
    except RedisError:
        return


def tell(response: Response) -> Response:
    """The limits in the headers of an answer."""
    response.headers["Upload-Limit"] = f"max-size={tk.config['kzopen.largest_delivery']}"
    if "kzopen_rate" in g:
        limit, remaining, reset = g.kzopen_rate
        response.headers["RateLimit-Limit"] = str(limit)
        response.headers["RateLimit-Remaining"] = str(remaining)
        response.headers["RateLimit-Reset"] = str(reset)
    return response
