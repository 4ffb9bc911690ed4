"""How often something may be tried: counted in Valkey, refused with the moment from which it may be tried again.

What is counted lies there as a keyed hash: neither e-mails nor addresses of readers can be read from Valkey's disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ckan.lib.redis import connect_to_redis
from ckanext.kzopen.core.people.secrets import keyed
from ckanext.kzopen.core.web.errors import KzError
from redis import RedisError


@dataclass(frozen=True)
class Limit:
    """At most `times` tries of `name` by one subject in `seconds`, counted from the first."""

    name: str
    times: int
    seconds: int

    def key(self, subject: str) -> str:
        return f"kzopen:tries:{self.name}:{keyed('throttle', subject)}"


def count(limit: Limit, subject: str) -> None:
    """Count a try before it is made, so that many at once are not let through; KzError people.too_many_tries.

    Where Valkey does not answer nothing is tried: KzError web.unavailable.
    """
    key = limit.key(subject)
    try:
        with connect_to_redis().pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, limit.seconds, nx=True)
            pipe.ttl(key)
            tries, _, left = pipe.execute()
    except RedisError as error:
        raise KzError("web.unavailable") from error
    if tries > limit.times:
        raise KzError("people.too_many_tries", at=datetime.now(UTC) + timedelta(seconds=left + 1))


def within(limit: Limit, subject: str) -> bool:
    """`count`, for a try of which the answer is not to tell: False instead of people.too_many_tries."""
    try:
        count(limit, subject)
    except KzError as error:
        if error.code != "people.too_many_tries":
            raise
        return False
    return True


def take_back(limit: Limit, subject: str) -> None:
    """The try was a good one and does not count."""
    connect_to_redis().decr(limit.key(subject))


def forget(limit: Limit, subject: str) -> None:
    """Count anew from nothing."""
    connect_to_redis().delete(limit.key(subject))
