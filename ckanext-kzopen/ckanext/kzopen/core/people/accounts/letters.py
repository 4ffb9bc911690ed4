"""What is mailed about accounts. Nothing that a stranger typed stands in a mail: a form must not carry their words."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.lib.helpers import helper_functions as h
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.people.accounts import links
from ckanext.kzopen.core.people.accounts.model import Account
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.texts import LANGUAGES


def address_of(page: str, language: str, **values: str) -> str:
    """The whole address of one of our pages in the reader's language."""
    return str(h.url_for(f"kzopen_account.{page}", locale=language, _external=True, **values))


def send_link(session: AnySession, purpose: str, email: str, language: str, page: str, **about: str | None) -> None:
    """Mail a new link of this purpose that leads to `page`."""
    token, expires = links.issue(session, purpose, email, language, **about)
    values = {"link": address_of(page, language, token=token), "until": expires}
    send(session, purpose, email, language, values, about.get("user_id"), until=expires)


def send(
    session: AnySession, what: str, email: str, language: str, values: dict[str, Any], user_id: str | None, **more: Any
) -> None:
    """Queue one mail; `about` lets those of a deleted account be taken out of the queue."""
    about = (f"person:{user_id}",) if user_id else ()
    told = {"portal": h.url_for("home.index", locale=language, _external=True), **values}
    mail.queue(
        session, template=f"people.{what}", to=email, language=language, values=told, person=user_id, about=about, **more
    )


def tell(session: AnySession, user: model.User, what: str, email: str = "", **more: Any) -> None:
    """Tell the owner of an account what has happened to it, with the way to undo it; `more` are values of the template.

    Nobody is told where mail cannot be sent to the address: what has happened must not be undone by that.
    """
    to, language = mail.usable(email or user.email), language_of(session, user.id)
    if to:
        send(session, what, to, language, {"recover": address_of("recover", language), **more}, user.id)


def language_of(session: AnySession, user_id: str) -> str:
    """The language in which the person wants to be written to; the portal's first one where nobody has said."""
    found = session.get(Account, user_id)
    return found.language if found else LANGUAGES[0]
