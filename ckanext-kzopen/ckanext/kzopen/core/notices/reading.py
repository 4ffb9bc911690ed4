"""From the outbox to news: what sections say about their topics, read under the name `notices`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import searches
from ckanext.kzopen.core.notices.telling import tell

log = logging.getLogger(__name__)

CONSUMER = "notices"


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
    """Tell of everything that has happened since the last time; each in a transaction of its own. How many were read.

    Then of what newly fits a saved search. A message that cannot be told is left for the next time, those behind it are told.
    """
    outbox.register(session, outbox.Consumer(CONSUMER, frozenset(_topics)))
    session.commit()
    done, last = 0, 0
    while messages := outbox.take(session, CONSUMER, limit=1, after=last):
        last = messages[0].id
        done += _told(session, messages[0])
    session.rollback()
    return done + searches.look(session)


def _told(session: AnySession, message: outbox.Message) -> int:
    try:
        for one in _topics[message.topic](session, message) if message.topic in _topics else []:
            _tell(session, message.id, one)
        outbox.acknowledge(session, CONSUMER, [message.id])
        session.commit()
    except Exception:
        log.exception("the notices of %s %s cannot be made", message.topic, message.key)
        session.rollback()
        return 0
    return 1


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
