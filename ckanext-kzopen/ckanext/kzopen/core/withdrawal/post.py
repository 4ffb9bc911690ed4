"""Unsent mail as a place: no mail that tells of a withdrawn thing leaves the portal."""

from __future__ import annotations

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.tables import Mail
from ckanext.kzopen.core.withdrawal.places import Place, register
from ckanext.kzopen.core.withdrawal.things import Thing
from sqlalchemy import select
from sqlalchemy.orm import Session


def names(thing: Thing) -> tuple[str, ...]:
    """How mails name the thing that they tell of; notices call a data set by the word of CKAN."""
    called = "package" if thing.kind == "dataset" else thing.kind
    return f"{called}:{thing.id}", f"{thing.kind}:{thing.id}"


def stop_mails(session: Session, thing: Thing) -> None:
    """Stop the mails in the queue; one that is just being sent cannot be stopped."""
    mail.withdraw(session, names(thing), "withdrawn")


def nothing_queued(session: Session, thing: Thing) -> bool:
    """Whether no mail of the queue tells of it."""
    wanted = select(Mail.id).where(Mail.state == "queued", Mail.about.overlap(list(names(thing))))
    return session.scalar(wanted.limit(1)) is None


register(
    Place(
        "mail",
        {"kk": "Жіберілмеген хаттар", "ru": "Неотправленные письма", "en": "Unsent mail"},
        stop_mails,
        nothing_queued,
        at_once=True,
    )
)
