"""CKAN's package of a data set: its resource shows the current version of the table."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.publishing.model import Passport
from ckanext.kzopen.publishing.site import Site

# pyarrow stays out of the web processes.
if TYPE_CHECKING:
    from ckanext.kzopen.rows.store import StoredVersion

RESOURCE_NAME = {"kk": "Кесте", "ru": "Таблица", "en": "Table"}


def show_version(site: Site, passport: Passport, number: int, stored: StoredVersion, now: datetime) -> None:
    """Let the package show the new version. CKAN's action commits, and with it all that the session holds."""
    fields = {"id": passport.package_id, "resources": _resources(site, passport, number, stored, now)}
    tk.get_action("package_patch")({"user": site_user(), "ignore_auth": True}, fields)


def _resources(site: Site, passport: Passport, number: int, stored: StoredVersion, now: datetime) -> list[dict[str, Any]]:
    """The package's resources with the table's one as it is from now on; what people added to it stays."""
    package = tk.get_action("package_show")(
        {"user": site_user(), "ignore_auth": True, "use_cache": False}, {"id": passport.package_id}
    )
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
    found = package["resources"]
    if not any(resource["id"] == passport.resource_id for resource in found):
        names = {"name": passport.uri, "name_translated": RESOURCE_NAME}
        return [table | names, *found]
    return [resource | table if resource["id"] == passport.resource_id else resource for resource in found]


def site_user() -> str:
    """CKAN's own account, in whose name the portal changes packages."""
    return str(tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"])
