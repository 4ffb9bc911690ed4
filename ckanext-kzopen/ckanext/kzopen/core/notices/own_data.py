"""What notices keep of a person: told to them, made anew when they recover the account, and erased when they leave."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import feeds
from ckanext.kzopen.core.notices.tables import Subscription
from ckanext.kzopen.core.notices.withdrawing import forget_reader
from ckanext.kzopen.core.people.accounts import changing
from ckanext.kzopen.core.people.leaving import deletion, export
from sqlalchemy import select


def subscriptions(session: AnySession, reader: str) -> list[dict[str, Any]]:
    """What the person follows, and how they are told."""
    rows = session.scalars(select(Subscription).where(Subscription.reader == reader).order_by(Subscription.id))
    return [{"what": row.what, "target": row.target, "how": row.how, "since": row.created} for row in rows]


def register() -> None:
    """Called once, by the plugin."""
    export.register("subscriptions", subscriptions)
    deletion.register("notices", forget_reader)
    changing.register("feed", feeds.renew)
