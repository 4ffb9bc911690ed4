"""What a run would change, field by field: for dry runs and previews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ckan import model
from ckanext.kzopen.publishing.model import Passport
from ckanext.kzopen.publishing.package import site_user
from ckanext.kzopen.publishing.passport import Passport as Told
from ckanext.kzopen.publishing.site import Site
from ckanext.kzopen.rows import model as versions
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from ckanext.kzopen.publishing.harvest.landing import Content

LONGEST = 300
Change = list[Any]
"""The value before and the value after; None where there is none."""


def compared(session: Session, site: Site, published: Passport | None, told: Told, content: Content) -> dict[str, Any]:
    """`fields` with before and after, `columns` likewise, and of the table: rows, errors, added, changed, removed."""
    new = told.model_dump(by_alias=True, mode="json", exclude_none=True)
    old = _as_published(published) if published is not None else {}
    found: dict[str, Any] = {"fields": changes(_flat(old), _flat(_without_schema(new)))}
    found["columns"] = changes(_columns(published.schema if published else {}), _columns(new["schema"]))
    return found | _table(session, site, published, new["schema"], content)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Change]:
    """The names whose values differ."""
    names = [*old, *(name for name in new if name not in old)]
    return {
        name: [_short(old.get(name)), _short(new.get(name))]
        for name in names
        if (old.get(name) or "") != (new.get(name) or "")
    }


def _short(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else value


def _without_schema(passport: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in passport.items() if name not in ("schema", "owner")}


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {place: ", ".join(map(str, value)) if isinstance(value, list) else value}
    found: dict[str, Any] = {}
    for name, part in value.items():
        found |= _flat(part, f"{place}.{name}" if place else str(name))
    return {name: part for name, part in found.items() if part not in (None, "", [])}


def _as_published(passport: Passport) -> dict[str, Any]:
    """The passport as it is here, in the names in which it is given."""
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.publishing.answers import dataset_answer
    from ckanext.kzopen.publishing.site import configured

    if model.Package.get(passport.package_id) is None:
        return {}
    context = {"user": site_user(), "ignore_auth": True, "use_cache": False}
    package = tk.get_action("package_show")(context, {"id": passport.package_id})
    answer = dataset_answer(configured(), package, passport, None).model_dump(by_alias=True, mode="json")
    return {name: value for name, value in answer.items() if name in Told.model_fields and name != "owner"}


def _columns(schema: Mapping[str, Any]) -> dict[str, str]:
    return {field["name"]: str(field.get("type") or "string") for field in schema.get("fields", [])}


def _table(
    session: Session, site: Site, published: Passport | None, schema: dict[str, Any], content: Content
) -> dict[str, Any]:
    """The check of the new table, and how its rows differ from the published ones."""
    if content.file is None:
        return {}
    from ckanext.kzopen.rows import diff, reading
    from ckanext.kzopen.validation.check import check_file

    checked = check_file(content.file, schema, limit=20)
    found = {"rows": checked.report.rows, "errors": checked.report.errors}
    current = versions.latest(session, published.uri) if published else None
    if checked.table is None or current is None:
        return found
    old = reading.table_of(session, site.files_url, current)
    if old.schema.names != checked.table.schema.names:
        return found
    difference = diff.compare(old, checked.table, list(schema.get("primaryKey") or []))
    return found | {"added": difference.added, "changed": difference.changed, "removed": difference.removed}
