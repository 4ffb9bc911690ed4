"""Names, places and liquidations whose day has come take effect: the agency's row and CKAN's organisation show them."""

from __future__ import annotations

from datetime import date
from typing import Any

from ckanext.kzopen.core import states
from ckanext.kzopen.core.agencies.model import NAMES, SHORT_NAMES, Agency, AgencyName, AgencyParent, AnySession, today
from ckanext.kzopen.core.reorganisation import liquidation, store
from sqlalchemy import or_, select

CLOCK = "system:agencies"


def take_effect(session: AnySession, on: date | None = None) -> int:
    """Do what is due on this day (today's without `on`), one agency a transaction; how many changes there were."""
    day = on or today()
    done = 0
    for agency_id in (*_renamed(session, day), *_moved(session, day), *_liquidated(session, day)):
        done += _settle(session, agency_id, day)
        session.commit()
    return done


def _settle(session: AnySession, agency_id: str, day: date) -> int:
    row = session.get(Agency, agency_id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None or row.state != "active":
        return 0
    done = 0
    name = session.scalars(_latest(AgencyName, day).where(AgencyName.agency == agency_id)).first()
    if name is not None and name.columns != row.columns:
        states.change(session, "agency", row, "rename_on_time", CLOCK, effective=name.since, **name.columns)
        done += 1
    place = session.scalars(_latest(AgencyParent, day).where(AgencyParent.agency == agency_id)).first()
    if place is not None and place.parent != row.parent:
        states.change(session, "agency", row, "move_on_time", CLOCK, effective=place.since, parent=place.parent)
        done += 1
    if row.liquidated_on is not None and row.liquidated_on <= day:
        liquidation.carry_out(session, row, "liquidate_on_time", CLOCK)
        done += 1
    store.write(session, row)
    return done


def _renamed(session: AnySession, day: date) -> list[str]:
    latest = _latest(AgencyName, day).subquery()
    differs = [latest.c[column].is_distinct_from(getattr(Agency, column)) for column in (*NAMES, *SHORT_NAMES)]
    return _of_active(session, select(Agency.id).join(latest, latest.c.agency == Agency.id).where(or_(*differs)))


def _moved(session: AnySession, day: date) -> list[str]:
    latest = _latest(AgencyParent, day).subquery()
    query = select(Agency.id).join(latest, latest.c.agency == Agency.id)
    return _of_active(session, query.where(latest.c.parent.is_distinct_from(Agency.parent)))


def _liquidated(session: AnySession, day: date) -> list[str]:
    return _of_active(session, select(Agency.id).where(Agency.liquidated_on <= day))


def _of_active(session: AnySession, query: Any) -> list[str]:
    return list(session.scalars(query.where(Agency.state == "active").order_by(Agency.id)))


def _latest(table: type[AgencyName] | type[AgencyParent], day: date) -> Any:
    """For each agency the row that holds on a day."""
    return select(table).distinct(table.agency).where(table.since <= day).order_by(table.agency, table.since.desc())
