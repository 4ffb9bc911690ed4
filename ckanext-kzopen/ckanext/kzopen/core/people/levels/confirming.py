"""Confirming a level of somebody, and taking it back; staff need the right `people.confirm`, a provider vouches for itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from ckan import model
from ckanext.kzopen.core.identifiers import is_bin, is_iin, normalised
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.levels.model import IdentityLevel
from ckanext.kzopen.core.people.levels.rules import BY_MAIL, Level, rules
from ckanext.kzopen.core.people.secrets import keyed
from ckanext.kzopen.core.record.events import AnySession, write_event
from ckanext.kzopen.core.web.errors import KzError
from dateutil.relativedelta import relativedelta
from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

PROVIDER = "provider:"
"""How the name of a sign-in provider begins where it confirms somebody."""
RIGHT = "people.confirm"
SHOWN = 4  # last digits of an IIN that are kept in clear


def confirm(
    session: AnySession,
    user_id: str,
    level: Level,
    by: str,
    *,
    number: str = "",
    until: datetime | None = None,
    address: str | None = None,
) -> IdentityLevel:
    """The person has the level from now on, until `until` or as long as the rules say; an earlier one of its kind ends.

    `by` is the id of a member of the staff, or `provider:<name>`. KzError web.not_allowed, people.wrong_iin,
    people.wrong_bin, people.iin_taken, people.level_by_mail_only, people.until_is_past, people.no_such_account.
    """
    _check(session, user_id, level, by, until)
    now = datetime.now(UTC)
    _end_earlier(session, user_id, level, now)
    row = IdentityLevel(user_id=user_id, level=level, confirmed_by=by, since=now, until=until or _by_rule(level, now))
    _take_number(row, level, number)
    if row.number_hash:
        _free_number(session, row.number_hash, now, by, address)
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise KzError("people.iin_taken") from error
    told = {"level": str(level), "until": row.until}
    _write(session, user_id, "confirm_level", by, address, told)
    return row


def _check(session: AnySession, user_id: str, level: Level, by: str, until: datetime | None) -> None:
    if not by.startswith(PROVIDER):
        rights.require(by, RIGHT)
    if level in BY_MAIL:
        raise KzError("people.level_by_mail_only")
    if until is not None and until <= datetime.now(UTC):
        raise KzError("people.until_is_past")
    if session.get(model.User, user_id) is None:
        raise KzError("people.no_such_account")


def _by_rule(level: Level, now: datetime) -> datetime | None:
    months = rules().levels[level].months
    return now + relativedelta(months=months) if months else None


def _take_number(row: IdentityLevel, level: Level, number: str) -> None:
    """Only the hash and the end of an IIN are kept; a BIN is public."""
    wanted = rules().levels[level].number
    if wanted == "iin":
        if not is_iin(number):
            raise KzError("people.wrong_iin")
        plain = normalised(number) or ""
        row.number_hash, row.number_end = iin_hash(plain), plain[-SHOWN:]
    elif wanted == "bin":
        if not is_bin(number):
            raise KzError("people.wrong_bin")
        row.organisation = normalised(number)


def iin_hash(iin: str) -> str:
    """The hash under which an IIN is kept; there are few enough IIN to try them all, so it needs the portal's key."""
    return keyed("iin", iin)


def _end_earlier(session: AnySession, user_id: str, level: Level, now: datetime) -> None:
    row = IdentityLevel
    open_ones = (row.user_id == user_id, row.level == level, row.ended.is_(None))
    session.execute(update(row).where(*open_ones).values(ended=now))


def _free_number(session: AnySession, number_hash: str, now: datetime, by: str, address: str | None) -> None:
    """Rows of others that hold the number no more: past their day, or of a closed account. The index knows neither."""
    row = IdentityLevel
    open_ones = select(row.id).where(row.number_hash == number_hash, row.ended.is_(None))
    closed = row.user_id.not_in(select(model.User.id).where(model.User.state == model.State.ACTIVE))
    over = open_ones.where(or_(row.until <= now, closed))
    freed = update(row).where(row.id.in_(over)).values(ended=now).returning(row.user_id, row.level)
    for user_id, level in session.execute(freed.execution_options(synchronize_session=False)).all():
        _write(session, user_id, "end_level", by, address, {"level": level})


def end(session: AnySession, number: int, by: str, reason: str, address: str | None = None) -> None:
    """Take a level back, with the reason; KzError web.not_allowed, web.not_found, people.reason_wanted."""
    rights.require(by, RIGHT)
    row = session.scalars(select(IdentityLevel).where(IdentityLevel.id == number).with_for_update()).first()
    if row is None or row.ended is not None:
        raise KzError("web.not_found")
    if not reason.strip():
        raise KzError("people.reason_wanted")
    row.ended = datetime.now(UTC)
    _write(session, row.user_id, "end_level", by, address, {"level": row.level}, reason.strip())


def _write(
    session: AnySession, user_id: str, verb: str, by: str, address: str | None, new: Mapping[str, object], reason: str = ""
) -> None:
    write_event(
        session,
        kind="account",
        object_id=user_id,
        verb=verb,
        actor=by,
        address=address,
        new=new,
        reason=reason or None,
    )
