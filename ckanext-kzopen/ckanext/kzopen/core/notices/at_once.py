"""Mails to those who want to be told at once."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.core.mail.queue import AnySession, Post, queue_many
from ckanext.kzopen.core.notices.addresses import mail_addresses, settings, unsubscription
from ckanext.kzopen.core.notices.sentences import letter
from sqlalchemy import text

# Who has an account is written to in its language of mails as it is now, wherever they followed.
_TAKE = text(
    """
    UPDATE kzopen.notice n SET mailed = 'notice:' || news || ':' || reader
    WHERE news = :news AND how = 'at_once' AND mailed IS NULL
    RETURNING reader, subscription, mailed,
        coalesce((SELECT a.language FROM kzopen.account a WHERE a.user_id = n.reader), n.language) AS language
    """
)
_NEWS = text("SELECT kind, about, values FROM kzopen.news WHERE id = :news")


def queue_mails(session: AnySession, news: int) -> int:
    """Queue a mail to each reader of this news who wants it at once; returns how many."""
    readers = session.execute(_TAKE, {"news": news}).all()
    if not readers:
        return 0
    what = session.execute(_NEWS, {"news": news}).one()
    addresses = mail_addresses(session, [row.reader for row in readers])
    posts = [_post(what, row, addresses[row.reader]) for row in readers if row.reader in addresses]
    queue_many(session, posts)
    return len(posts)


def _post(news: Any, row: Any, address: str) -> Post:
    told = letter(news.kind, news.values, row.language)
    stop = unsubscription(row.reader, row.subscription, row.language)
    values = {"subject": told.subject, "text": told.text, "unsubscribe": stop, "settings": settings(row.reader, row.language)}
    return Post(
        template="notices.one",
        to=address,
        language=row.language,
        values=values,
        person=None if "@" in row.reader else row.reader,
        unsubscribe=stop,
        once=row.mailed,
        about=(news.about,),
    )
