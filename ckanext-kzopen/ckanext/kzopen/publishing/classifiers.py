"""Reference tables to which people may say that a column refers."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckanext.kzopen.publishing.forms import CODES
from ckanext.kzopen.publishing.model import Passport
from ckanext.kzopen.publishing.notices import title_of
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.references import public_version
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

MOST = 500
NAMES = ("name_kk", "name_ru")


def offered(session: Session, uri: str = "") -> list[tuple[str, Any]]:
    """Name and title of published data sets that everybody may see and that have codes with names, but `uri`; MOST of them."""
    fields = Passport.schema["fields"]
    wanted = (
        select(model.Package)
        .join(Passport, Passport.package_id == model.Package.id)
        .where(model.Package.state == model.State.ACTIVE, model.Package.private.is_(False), Passport.uri != uri)
        .where(fields.contains([{"name": CODES}]), or_(*(fields.contains([{"name": name}]) for name in NAMES)))
        .where(exists().where(Version.package_id == model.Package.id, Version.withdrawn.is_(None)))
        .order_by(model.Package.name)
        .limit(MOST)
    )
    return [(package.name, title_of(package)) for package in session.scalars(wanted)]


def is_one(session: Session, uri: str) -> bool:
    """Whether a data set has codes that are published, and everybody may see them."""
    version = public_version(session, uri)
    return version is not None and any(field["name"] == CODES for field in version.schema.get("fields", ()))
