"""Addresses in notices: of readers, of pages in a language, of unsubscription."""

from __future__ import annotations

from collections.abc import Iterable

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.mail.addresses import usable
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import tokens
from sqlalchemy import select


def page(path: str, language: str) -> str:
    """The absolute address of a path of the portal in a language."""
    prefix = "" if language == tk.config["ckan.locale_default"] else f"/{language}"
    return f"{str(tk.config['ckan.site_url']).rstrip('/')}{prefix}{path}"


def unsubscription(reader: str, subscription: int | None, language: str) -> str:
    """Where one subscription ends by one click, with None all mails to the reader; needs no sign-in."""
    return page(f"/notices/unsubscribe/{tokens.unsubscribe(reader, subscription)}", language)


def settings(reader: str, language: str) -> str:
    """Where a reader changes what they follow: who has no account asks there for a link by mail."""
    return page("/notices/by-mail" if "@" in reader else "/notices", language)


def mail_addresses(session: AnySession, readers: Iterable[str]) -> dict[str, str]:
    """Where each reader gets mail; those whose account is gone or has no usable address are left out."""
    wanted = list(readers)
    accounts = select(model.User.id, model.User.email).where(
        model.User.id.in_([reader for reader in wanted if "@" not in reader]), model.User.state == "active"
    )
    found = {reader: reader for reader in wanted if "@" in reader}
    for person, email in session.execute(accounts):
        address = usable(email)
        if address:
            found[person] = address
    return found
