"""From the outbox to news: what sections say about their topics, read under the name `notices`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import searches
from ckanext.kzopen.core.notices.telling import tell

log = logging.getLogger(__name__)

CONSUMER = "notices"
AT_ONCE = 25
"""Messages that are told in one transaction: a harvest brings thousands, and each commit waits for the disk."""
LONGEST = 0.5
"""Seconds after which it ends with what it has: who withdraws something meanwhile does not see what it is about to tell."""


@dataclass(frozen=True)
class Telling:
    """What is to be told of one thing that happened: the arguments of `tell`; `part` tells several of one message apart."""

    kind: str
    about: str
    values: Mapping[str, Any]
    agency: str | None = None
    section: str | None = None
    words: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    how: str = "at_once"
    followers: bool = True
    begins: bool = False
    part: str = field(default="")


Tells = Callable[[AnySession, outbox.Message], list[Telling]]
_topics: dict[str, Tells] = {}


def on(topic: str, tells: Tells) -> None:
    """Say what is to be told when `topic` comes through the outbox."""
    _topics[topic] = tells


def read(session: AnySession) -> int:
    """Tell of everything that has happened since the last time; how many were read. Then of what newly fits a saved search.

    A message that cannot be told is left for the next time, those before and behind it are told.
    """
    outbox.register(session, outbox.Consumer(CONSUMER, frozenset(_topics)))
    session.commit()
    done, last = 0, 0
    while messages := outbox.take(session, CONSUMER, limit=AT_ONCE, after=last):
        told, last = _told(session, messages)
        done += told
    session.rollback()
    return done + searches.look(session)


def _told(session: AnySession, messages: Sequence[outbox.Message]) -> tuple[int, int]:
    """Tell of the first of them in one transaction, of each in its own when that fails; how many could be told, and the
    number of the last one that was looked at."""
    try:
        told = _tell_some(session, messages)
    except Exception:
        session.rollback()
        if len(messages) == 1:
            log.exception("the notices of %s %s cannot be made", messages[0].topic, messages[0].key)
            return 0, messages[0].id
        log.warning("%d messages cannot be told together", len(messages), exc_info=True)
        each = [_told(session, again)[0] for message in messages if (again := _still_there(session, message))]
        return sum(each), messages[-1].id
    return len(told), told[-1]


def _tell_some(session: AnySession, messages: Sequence[outbox.Message]) -> list[int]:
    """Tell of the messages, in order, until LONGEST is over, and commit; their numbers."""
    until, told = time.monotonic() + LONGEST, []
    for message in messages:
        for one in _topics[message.topic](session, message) if message.topic in _topics else []:
            _tell(session, message.id, one)
        told.append(message.id)
        if time.monotonic() > until:
            break
    outbox.acknowledge(session, CONSUMER, told)
    session.commit()
    return told


def _still_there(session: AnySession, message: outbox.Message) -> list[outbox.Message]:
    """The message under its lock again, unless somebody else has told it meanwhile or is about to."""
    return [found for found in outbox.take(session, CONSUMER, limit=1, after=message.id - 1) if found.id == message.id]


def _tell(session: AnySession, number: int, one: Telling) -> None:
    tell(
        session,
        one.kind,
        one.about,
        key=f"outbox:{number}:{one.part}",
        values=one.values,
        agency=one.agency,
        section=one.section,
        words=one.words,
        people=one.people,
        how=one.how,
        followers=one.followers,
        begins=one.begins,
    )
