"""Following and leaving, for people with an account and for those who confirm an address."""

from __future__ import annotations

import re
from typing import Any

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import tokens
from ckanext.kzopen.core.notices.addresses import page
from ckanext.kzopen.core.notices.tables import Subscription
from ckanext.kzopen.core.people.accounts.letters import language_of
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import delete, func, select, text

HOW = ("at_once", "daily", "feed")
BY_MAIL = ("at_once", "daily")
MOST = 500
"""Subscriptions of one reader."""
KEPT_DAYS = 365
_WORD = re.compile(r"\w+")
_FOLLOW = text(
    """
    INSERT INTO kzopen.subscription (reader, what, target, how, language, query, confirmed)
    VALUES (:reader, :what, :target, :how, :language, CAST(:query AS tsquery), CASE WHEN :confirmed THEN now() END)
    ON CONFLICT (reader, what, target) DO UPDATE SET
        -- Whoever types somebody's address into the form changes nothing of what that somebody has confirmed.
        how = CASE WHEN :confirmed OR subscription.confirmed IS NULL THEN excluded.how ELSE subscription.how END,
        language = CASE WHEN :confirmed OR subscription.confirmed IS NULL THEN excluded.language
            ELSE subscription.language END,
        confirmed = coalesce(subscription.confirmed, excluded.confirmed)
    RETURNING id, confirmed IS NOT NULL AS confirmed
    """
)
_TIDY = (
    text("DELETE FROM kzopen.subscription WHERE confirmed IS NULL AND created < now() - interval '7 days'"),
    text("DELETE FROM kzopen.news WHERE at < now() - make_interval(days => :days)"),
    *(
        text(
            f"""
            DELETE FROM kzopen.{table} t WHERE strpos(t.reader, '@') = 0
                AND NOT EXISTS (SELECT FROM "user" u WHERE u.id = t.reader AND u.state = 'active')
            """  # noqa: S608 - names of our own tables
        )
        for table in ("subscription", "notice", "notice_feed")
    ),
)


def follow(session: AnySession, person: str, what: str, target: str, how: str, language: str) -> int:
    """A person follows something, or changes how they are told; the subscription's number. KzError notices.too_many."""
    count = select(func.count()).select_from(Subscription).where(Subscription.reader == person)
    if (session.scalar(count) or 0) >= MOST:
        raise KzError("notices.too_many", limit=MOST)
    return int(_follow(session, person, what, target, how, language, confirmed=True).id)


def ask(session: AnySession, address: str, what: str, target: str, how: str, language: str) -> None:
    """Somebody without an account wants to follow: a mail to the address asks whether it is they (double opt-in).

    Who follows already gets no mail, and the answer is the same, so that nobody learns who follows what.
    """
    reader = mail.checked(address).lower()
    made = _follow(session, reader, what, target, how, language, confirmed=False)
    if made.confirmed:
        return
    link = page(f"/notices/confirm/{tokens.confirm(made.id)}", language)
    mail.queue(session, template="notices.confirm", to=reader, language=language, values={"link": link})


def confirm(session: AnySession, subscription: int) -> Subscription:
    """The owner of the address has said yes; mail to it works again if it did not. KzError notices.bad_link."""
    row = session.get(Subscription, subscription)
    if row is None:
        raise KzError("notices.bad_link")
    row.confirmed = row.confirmed or func.now()
    mail.revive(session, row.reader)
    session.flush()
    session.refresh(row)
    return row


def of_reader(session: AnySession, reader: str) -> list[Subscription]:
    """What a reader follows, the oldest first; the row on what concerns the reader in person is among them."""
    return list(session.scalars(select(Subscription).where(Subscription.reader == reader).order_by(Subscription.id)))


def find(session: AnySession, reader: str, what: str, target: str) -> Subscription | None:
    wanted = select(Subscription).where(Subscription.reader == reader, Subscription.what == what)
    return session.scalars(wanted.where(Subscription.target == target)).first()


def change(session: AnySession, reader: str, subscription: int, how: str) -> None:
    """Be told in another way, or with how = "" no more; what is not the reader's own stays as it is."""
    row = session.get(Subscription, subscription)
    if row is None or row.reader != reader:
        raise KzError("web.not_found")
    if how in HOW:
        row.how = how
    else:
        session.delete(row)
    session.flush()


def stop_mails(session: AnySession, reader: str, subscription: int | None) -> None:
    """No more mail by this subscription, with None by none; an account goes on finding its notices in the portal."""
    wanted = Subscription.reader == reader
    if subscription is not None:
        wanted = wanted & (Subscription.id == subscription)
    if "@" in reader:
        session.execute(delete(Subscription).where(wanted))
        return
    for row in session.scalars(select(Subscription).where(wanted)):
        row.how = "feed"
    if subscription is None and find(session, reader, "personal", "") is None:
        _follow(session, reader, "personal", "", "feed", language_of(session, reader), confirmed=True)
    session.flush()


def query_of(words: str) -> str:
    """The query of a subscription to words: all of them, each as the beginning of a word. KzError notices.no_words."""
    found = _WORD.findall(words.lower())[:10]
    if not found:
        raise KzError("notices.no_words")
    return " & ".join(f"{word}:*" for word in found)


def tidy(session: AnySession) -> None:
    """Delete what nobody confirmed within a week, news older than a year, and all that belonged to accounts that are gone."""
    for statement in _TIDY:
        session.execute(statement, {"days": KEPT_DAYS})


def _follow(session: AnySession, reader: str, what: str, target: str, how: str, language: str, *, confirmed: bool) -> Any:
    if how not in HOW or what not in ("thing", "agency", "section", "kind", "words", "personal", "search"):
        raise KzError("notices.nothing_to_follow")
    query = query_of(target) if what == "words" else None
    row = {"reader": reader, "what": what, "target": target, "how": how, "language": language}
    return session.execute(_FOLLOW, row | {"query": query, "confirmed": confirmed}).one()
