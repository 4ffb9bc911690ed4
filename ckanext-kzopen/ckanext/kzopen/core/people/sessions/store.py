"""Sessions of signed-in people in Valkey, under the hash of their secret: who reads Valkey's disk can use none of them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ckan.lib.redis import connect_to_redis
from ckanext.kzopen.core.people.secrets import digest
from flask.json.tag import TaggedJSONSerializer

IDLE = 12 * 3600
"""Seconds without a request after which a session ends."""
KEPT = 30 * 86400
"""The same for one that its owner wants kept on this device; none lasts longer, whatever is set."""
ABOUT = "kzopen_session"
"""Where a session says what is told of it on the page of sessions."""
_WAITING = 3600  # seconds for a sign-in that waits for its second step
_plain = TaggedJSONSerializer()


@dataclass(frozen=True)
class Listed:
    """A session as its owner sees it; `number` is public, the secret that opens it is in the cookie alone.

    `until` is when it ends however much it is used, None where that was not measured yet.
    """

    number: str
    device: str
    address: str
    since: datetime
    last: datetime
    until: datetime | None = None


def load(secret: str) -> dict[str, Any] | None:
    """What the session holds, None where it has ended. Raises redis.RedisError."""
    raw = connect_to_redis().get(_key(digest(secret)))
    return None if raw is None else dict(_plain.loads(raw.decode()))


def save(secret: str, content: dict[str, Any], *, new: bool) -> None:
    """Keep the session; one that was ended while a request of it ran stays ended. Raises redis.RedisError."""
    redis, number, user = connect_to_redis(), digest(secret), content.get("_user_id")
    with redis.pipeline() as pipe:
        pipe.set(_key(number), _plain.dumps(content), ex=lifetime(content), xx=not new)
        if user and new:
            pipe.sadd(_of(user), number)
            pipe.expire(_of(user), KEPT)
        pipe.execute()


def lifetime(content: dict[str, Any]) -> int:
    """Seconds that the session lasts without a request; it does not outlive its end (`ending`)."""
    if not content.get("_user_id"):
        return _WAITING
    about = content.get(ABOUT, {})
    idle = KEPT if about.get("kept") else IDLE
    return max(1, int(min(idle, about.get("until", math.inf) - time.time())))


def is_over(about: Mapping[str, Any]) -> bool:
    """Whether a session that says this of itself has come to its end, whatever Valkey still holds."""
    return bool(about.get("until", math.inf) <= time.time())


def number_of(secret: str) -> str:
    """The public number of the session that this secret opens."""
    return digest(secret)


def drop(secret: str) -> None:
    """End one session by its secret."""
    connect_to_redis().delete(_key(digest(secret)))


def sessions_of(user_id: str) -> list[Listed]:
    """The person's sessions, the one used last first."""
    redis, found = connect_to_redis(), []
    for number in sorted(member.decode() for member in redis.smembers(_of(user_id))):
        raw = redis.get(_key(number))
        if raw is None:
            redis.srem(_of(user_id), number)
        else:
            found.append(_listed(number, _plain.loads(raw.decode()).get(ABOUT, {})))
    return sorted(found, key=lambda one: one.last, reverse=True)


def _listed(number: str, about: dict[str, Any]) -> Listed:
    now = time.time()
    since, last = (datetime.fromtimestamp(about.get(name, now), UTC) for name in ("since", "last"))
    until = datetime.fromtimestamp(about["until"], UTC) if "until" in about else None
    return Listed(number, about.get("device", ""), about.get("address", ""), since, last, until)


def end(user_id: str, numbers: Iterable[str]) -> int:
    """End these sessions of the person; how many there were. Numbers of other people's sessions are not touched."""
    redis = connect_to_redis()
    own = {member.decode() for member in redis.smembers(_of(user_id))} & set(numbers)
    if not own:
        return 0
    with redis.pipeline() as pipe:
        pipe.delete(*(_key(number) for number in own))
        pipe.srem(_of(user_id), *own)
        return int(pipe.execute()[0])


def end_all(user_id: str, but: str = "") -> int:
    """End all sessions of the person, but for the one with this secret; how many there were."""
    kept = digest(but) if but else ""
    return end(user_id, [one.number for one in sessions_of(user_id) if one.number != kept])


def _key(number: str) -> str:
    return f"kzopen:session:{number}"


def _of(user_id: str) -> str:
    return f"kzopen:sessions-of:{user_id}"
