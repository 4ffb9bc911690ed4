"""Readers without an account: everything that one address follows, behind a link that only its mailbox gets."""

from __future__ import annotations

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import subscriptions, tokens
from ckanext.kzopen.core.notices.addresses import page
from ckanext.kzopen.core.notices.tables import Subscription
from ckanext.kzopen.core.web.errors import KzError

ASK = "/notices/by-mail"
"""Where one asks for the link; mails to addresses without an account lead here."""


def send_link(session: AnySession, address: str, language: str) -> None:
    """Mail the link to an address that follows something; to another one nothing is sent, and nobody is told which it was."""
    reader = mail.checked(address).lower()
    if not followed(session, reader):
        return
    link = page(f"{ASK}/{tokens.by_mail(reader)}", language)
    mail.queue(session, template="notices.by_mail", to=reader, language=language, values={"link": link})


def followed(session: AnySession, reader: str) -> list[Subscription]:
    """What the address has confirmed; what somebody only typed into a form waits for its own confirmation."""
    return [row for row in subscriptions.of_reader(session, reader) if row.confirmed is not None]


def change(session: AnySession, reader: str, number: int, how: str) -> None:
    """Get mail of it in another way, or with how = "" no more; KzError web.not_found, notices.nothing_to_follow.

    An address can only be told by mail: there is no bell without an account.
    """
    if how and how not in subscriptions.BY_MAIL:
        raise KzError("notices.nothing_to_follow")
    if number not in {row.id for row in followed(session, reader)}:
        raise KzError("web.not_found")
    subscriptions.change(session, reader, number, how)
