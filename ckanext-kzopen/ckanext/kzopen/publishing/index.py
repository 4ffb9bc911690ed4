"""What publishing tells the search of a data set: the columns of its table, and from when on it may be found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.search import registry
from sqlalchemy import Select, bindparam, func, inspect, select
from sqlalchemy.orm import Session

MOST = 600
"""Texts of one table; a table may have a thousand columns with labels in three languages."""

VISIBLE_FROM = "visible_from"


_SCHEMA = select(Passport.schema).where(Passport.package_id == bindparam("package"))
# When the first version is to come: nothing for who has one already, or has none planned.
_OPENS = select(func.min(Delivery.publish_at)).where(
    Delivery.package_id == bindparam("package"),
    Delivery.state == "scheduled",
    ~select(Version.id).where(Version.package_id == bindparam("package")).exists(),
)
_ASKED = select(_SCHEMA.scalar_subquery().label("schema"), _OPENS.scalar_subquery().label("opens"))
"""Built once: every document that is made asks it."""


def register() -> None:
    """A passport that changes changes the document of its data set, and so does a delivery that is planned, or no longer."""
    registry.feeds("passport", registry.PACKAGE, _touched)
    registry.feeds("plan", registry.PACKAGE, _planned)


def _touched(instance: Any) -> Iterable[str]:
    return (instance.package_id,) if isinstance(instance, Passport) else ()


def _planned(instance: Any) -> Iterable[str]:
    if not isinstance(instance, Delivery):
        return ()
    states = inspect(instance).attrs.state.history
    return (instance.package_id,) if "scheduled" in (*(states.added or ()), *(states.deleted or ())) else ()


def completed(session: Session, document: dict[str, Any]) -> dict[str, Any]:
    """CKAN's document of a data set with the columns of its table, and from when on it may be found if not now."""
    asked = session.execute(_ASKED, {"package": document["id"]}).one()
    return {**document, **_columns(asked.schema), **_visible_from(asked.opens)}


def _columns(schema: dict[str, Any] | None) -> dict[str, list[str]]:
    found = list(dict.fromkeys(_texts(schema.get("fields", []) if schema else [])))[:MOST]
    return {"columns": found} if found else {}


def _texts(fields: Iterable[dict[str, Any]]) -> Iterable[str]:
    for field in fields:
        titles = (field.get("title"), *(field.get("title_translated") or {}).values())
        yield from (str(text) for text in (field.get("name"), *titles) if text)


def later() -> Select[tuple[str]]:
    """The data sets whose first version is still to come, as `completed` says it of one."""
    has_one = select(Version.id).where(Version.package_id == Delivery.package_id).exists()
    planned = select(Delivery.package_id).where(Delivery.state == "scheduled", ~has_one).group_by(Delivery.package_id)
    return planned.having(func.min(Delivery.publish_at) > func.now())


def _visible_from(moment: datetime | None) -> dict[str, str]:
    """To the microsecond: cut to the second, it would open the data set before its moment."""
    return {VISIBLE_FROM: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")} if moment else {}
