"""CKAN's package of a data set: its resource shows the current version of the table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.publishing.model import Passport
from ckanext.kzopen.publishing.site import Site
from flask import g, has_request_context
from sqlalchemy import select
from sqlalchemy.orm import Session

SITE_USER = "kzopen_site_user"
RESOURCE_NAME = {"kk": "Кесте", "ru": "Таблица", "en": "Table"}


class Stored(Protocol):
    """What the package tells of a version: its checksum and how many rows."""

    @property
    def sha256(self) -> Any: ...

    @property
    def rows(self) -> Any: ...


def show_version(site: Site, passport: Passport, number: int, stored: Stored, now: datetime) -> None:
    """Let the package show the new version. CKAN's action commits, and with it all that the session holds.

    What `package_patch` does, but the package is read once instead of four times.
    """
    context = {"user": site_user(), "ignore_auth": True}
    reading = {**context, "use_cache": False, "for_update": True}
    before = tk.get_action("package_show")(reading, {"id": passport.package_id})
    told = {name: value for name, value in before.items() if name != "metadata_modified"}
    told["resources"] = _resources(before["resources"], site, passport, number, stored, now)
    tk.get_action("package_update")({**context, "original_package": before, "return_id_only": True}, told)


def create_showing(site: Site, passport: Passport, fields: Mapping[str, Any], stored: Stored, now: datetime) -> dict[str, Any]:
    """The fields of a new package that shows the first version of its table from its first moment on."""
    return {**fields, "resources": _resources([], site, passport, 1, stored, now)}


def _resources(
    found: list[dict[str, Any]], site: Site, passport: Passport, number: int, stored: Stored, now: datetime
) -> list[dict[str, Any]]:
    """The package's resources with the table's one as it is from now on; what people added to it stays."""
    table = {
        "id": passport.resource_id,
        "url": site.data_address(passport.uri, None, "csv"),
        "format": "CSV",
        "mimetype": "text/csv",
        "hash": stored.sha256,
        "table_version": number,
        "rows": stored.rows,
        "datastore_active": True,
        "last_modified": now.replace(tzinfo=None).isoformat(),
    }
    if not any(resource["id"] == passport.resource_id for resource in found):
        names = {"name": passport.uri, "name_translated": RESOURCE_NAME}
        return [table | names, *found]
    return [resource | table if resource["id"] == passport.resource_id else resource for resource in found]


def hide_table(passport: Passport) -> None:
    """Let the package show no table; CKAN's action commits."""
    context = {"user": site_user(), "ignore_auth": True, "use_cache": False}
    package = tk.get_action("package_show")(dict(context), {"id": passport.package_id})
    kept = [resource for resource in package["resources"] if resource["id"] != passport.resource_id]
    if len(kept) < len(package["resources"]):
        tk.get_action("package_patch")(dict(context), {"id": passport.package_id, "resources": kept})


def shown_version(session: Session, resource_id: str) -> int | None:
    """The number of the version that the package says its table has; None when it shows no table."""
    wanted = select(model.Resource.state, model.Resource.extras).where(model.Resource.id == resource_id)
    row = session.execute(wanted).one_or_none()
    if row is None or row.state != model.State.ACTIVE:
        return None
    number = (row.extras or {}).get("table_version")
    return int(number) if number is not None else None


def site_user() -> str:
    """CKAN's own account, in whose name the portal changes packages; asked for once in a request or job."""
    if not has_request_context():
        return _site_user()
    if SITE_USER not in g:
        setattr(g, SITE_USER, _site_user())
    return str(getattr(g, SITE_USER))


def _site_user() -> str:
    return str(tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"])
