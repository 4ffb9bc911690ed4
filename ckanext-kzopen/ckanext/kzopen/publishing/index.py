"""What publishing tells the search of a data set: a set whose first version is planned is found from that moment on."""

from __future__ import annotations

from datetime import UTC, datetime

from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.rows.model import Version
from sqlalchemy import func, select
from sqlalchemy.orm import Session

VISIBLE_FROM = "visible_from"


def opens_at(session: Session, package_id: str) -> datetime | None:
    """When the first version of a data set is to come; None when it has one already, or none is planned."""
    if session.scalars(select(Version.id).where(Version.package_id == package_id).limit(1)).first() is not None:
        return None
    planned = select(func.min(Delivery.publish_at)).where(Delivery.package_id == package_id, Delivery.state == "scheduled")
    return session.scalar(planned)


def told(session: Session, package_id: str) -> dict[str, str]:
    """The field of the search document, as CKAN writes moments; nothing where all may find the data set now."""
    moment = opens_at(session, package_id)
    return {VISIBLE_FROM: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} if moment else {}
