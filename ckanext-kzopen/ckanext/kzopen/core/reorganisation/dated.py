"""Writes the tables of dates: what holds from a day on, until the day of the next row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from ckanext.kzopen.core.agencies.model import AgencyName, AgencyParent, AnySession
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert


def put_name(session: AnySession, agency_id: str, since: date, names: Mapping[str, str | None]) -> None:
    """A name from a day on; one that was to begin on the same day is replaced."""
    row = {"agency": agency_id, "since": since, **names}
    session.execute(insert(AgencyName).values(row).on_conflict_do_update(index_elements=["agency", "since"], set_=dict(names)))


def replace_name(session: AnySession, agency_id: str, at: date, names: Mapping[str, str | None]) -> None:
    """Other words for the name that holds on a day, from and until the same days as before."""
    since = select(AgencyName.since).where(AgencyName.agency == agency_id, AgencyName.since <= at)
    last = session.scalar(since.order_by(AgencyName.since.desc()).limit(1))
    put_name(session, agency_id, last or at, names)


def put_parent(session: AnySession, agency_id: str, since: date, parent: str | None) -> None:
    """A place in the tree from a day on; one that was to begin on the same day is replaced."""
    row = {"agency": agency_id, "since": since, "parent": parent}
    session.execute(
        insert(AgencyParent).values(row).on_conflict_do_update(index_elements=["agency", "since"], set_={"parent": parent})
    )
