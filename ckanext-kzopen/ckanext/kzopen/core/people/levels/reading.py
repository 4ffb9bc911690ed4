"""Which levels somebody has at a moment; what is past its day is past by itself, no job takes it away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ckan import model
from ckanext.kzopen.core.people.accounts.model import Account
from ckanext.kzopen.core.people.levels.model import IdentityLevel
from ckanext.kzopen.core.people.levels.rules import Level, rules
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import or_, select


@dataclass(frozen=True)
class Held:
    """One level that somebody has; `confirmed_by` is an account's id, `provider:<name>`, or "mail". `id` is 0 for mail's."""

    id: int
    level: Level
    confirmed_by: str
    since: datetime
    until: datetime | None = None
    number_end: str | None = None
    organisation: str | None = None


def held(session: AnySession, user_id: str, at: datetime | None = None) -> list[Held]:
    """The levels in force at a moment (default: now), the highest first; none of an account that is not active."""
    moment = at or datetime.now(UTC)
    user = session.get(model.User, user_id) if user_id else None
    if user is None or user.state != model.State.ACTIVE:
        return []
    found = [*_by_mail(session, user_id, moment), *_confirmed(session, user_id, moment)]
    return sorted(found, key=lambda one: -rules().levels[one.level].rank)


def _by_mail(session: AnySession, user_id: str, at: datetime) -> list[Held]:
    account = session.get(Account, user_id)
    since = account.email_confirmed if account else None
    return [Held(0, Level.email_confirmed, "mail", since)] if since and since <= at else []


def _confirmed(session: AnySession, user_id: str, at: datetime) -> list[Held]:
    row = IdentityLevel
    query = select(row).where(
        row.user_id == user_id,
        row.since <= at,
        or_(row.until.is_(None), row.until > at),
        or_(row.ended.is_(None), row.ended > at),
    )
    return [
        Held(one.id, Level(one.level), one.confirmed_by, one.since, one.until, one.number_end, one.organisation)
        for one in session.scalars(query)
    ]


def levels_of(user_id: str, at: datetime | None = None) -> frozenset[Level]:
    """All levels that the person has; `anonymous` is everybody's."""
    return frozenset({Level.anonymous, *(one.level for one in held(model.Session, user_id, at))})


def level_of(user_id: str, at: datetime | None = None) -> Level:
    """The highest level that the person has; `anonymous` for "" and for accounts that are not active."""
    return max(levels_of(user_id, at), key=lambda level: rules().levels[level].rank)
