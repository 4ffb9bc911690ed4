"""Signing up: a link goes to the address; the account is made when whoever reads its mail has chosen a password.

So nobody can take somebody else's address, or set a password for an account that another person will confirm.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.accounts import letters, links
from ckanext.kzopen.core.people.accounts.model import Account, Link
from ckanext.kzopen.core.people.sign_in import password as passwords
from ckanext.kzopen.core.people.throttle import Limit, count, within
from ckanext.kzopen.core.record.events import AnySession, write_event
from ckanext.kzopen.core.web.errors import KzError

MAILS_TO_ONE = Limit("mails-to-one", 3, 3600)
MAILS_BY_ONE = Limit("mails-by-one", 20, 3600)


def may_mail(email: str, address: str) -> bool:
    """Whether one more mail goes to this mailbox; who asks is not told. KzError people.too_many_tries by one address."""
    count(MAILS_BY_ONE, address)
    return within(MAILS_TO_ONE, email.lower())


def ask(session: AnySession, email: str, fullname: str, language: str, address: str) -> None:
    """Mail the link; to the owner of an account, that there is one. The caller answers the same in both cases."""
    if not may_mail(email, address):
        return
    known = passwords.account(email)
    if known:
        letters.tell(session, known, "already")
        return
    letters.send_link(session, "sign_up", email, language, "confirm", fullname=fullname)


def create(session: AnySession, token: str, password: str, address: str) -> model.User:
    """Use the link up and make the account, in the caller's transaction; KzError people.link_over."""
    link = links.use(session, "sign_up", token)
    if passwords.account(link.email):
        raise KzError("people.link_over")
    user = made(link, password)
    remember_confirmed(session, user.id, link.language)
    write_event(session, kind="account", object_id=user.id, verb="create", actor=user.id, address=address)
    return user


def made(link: Link, password: str) -> model.User:
    """CKAN's account; its name stands in addresses of pages, so it tells nothing of the person."""
    name = f"u-{secrets.token_hex(6)}"
    told = {"name": name, "email": link.email, "fullname": link.fullname, "password": password}
    context = {"ignore_auth": True, "user": "", "defer_commit": True}
    tk.get_action("user_create")(context, told)
    user = model.User.get(name)
    assert user is not None  # noqa: S101 - just made
    return user


def remember_confirmed(session: AnySession, user_id: str, language: str) -> None:
    """The account's e-mail is confirmed from now on."""
    found = session.get(Account, user_id)
    if found is None:
        found = Account(user_id=user_id, language=language)
        session.add(found)
    found.email_confirmed = datetime.now(UTC)
    session.flush()
