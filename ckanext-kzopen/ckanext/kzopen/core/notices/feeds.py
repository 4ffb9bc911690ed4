"""Atom feeds: of an agency, of a section, and a personal one with a secret address."""

from __future__ import annotations

from collections.abc import Sequence

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import reader, tokens
from ckanext.kzopen.core.notices.reader import Shown
from ckanext.kzopen.core.notices.tables import Feed
from ckanext.kzopen.core.web.errors import KzError
from feedgen.feed import FeedGenerator
from sqlalchemy import text

_NEXT = text(
    """
    INSERT INTO kzopen.notice_feed (reader, generation) VALUES (:reader, 2)
    ON CONFLICT (reader) DO UPDATE SET generation = notice_feed.generation + 1
    """
)


def atom(shown: Sequence[Shown], title: str, address: str, language: str) -> bytes:
    """The feed; entries keep their id when the sentence changes."""
    feed = FeedGenerator()
    feed.id(address)
    feed.title(f"{tk.config['ckan.site_title']}: {title}")
    feed.language(language)
    feed.author(name=tk.config["ckan.site_title"])
    feed.link(href=address, rel="self")
    for one in shown:
        entry = feed.add_entry(order="append")
        entry.id(f"{str(tk.config['ckan.site_url']).rstrip('/')}/notices#{one.news}")
        entry.title(one.title)
        entry.link(href=one.link)
        entry.updated(one.at)
    if shown:
        feed.updated(shown[0].at)
    made: bytes = feed.atom_str()
    return made


def secret(session: AnySession, person: str) -> str:
    """The secret part of the address of a person's feed."""
    row = session.get(Feed, person)
    return tokens.feed(person, row.generation if row else 1)


def renew(session: AnySession, person: str) -> None:
    """Give a person's feed a new address; the old one leads nowhere from now on."""
    session.execute(_NEXT, {"reader": person})


def personal(session: AnySession, token: str, language: str) -> tuple[list[Shown], str]:
    """The notices that a secret address leads to, and whose they are; KzError web.not_found."""
    person, generation = tokens.read_feed(token)
    row = session.get(Feed, person)
    user = model.User.get(person)
    if (row.generation if row else 1) != generation or user is None or user.state != "active":
        raise KzError("web.not_found")
    return reader.latest(session, person, language), person
