"""Data sets, versions and files as things that can be withdrawn; CKAN's package, its uploads and deliveries as places."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from ckan import model
from ckan.lib.uploader import get_resource_uploader
from ckanext.kzopen.core import files, jobs, states
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal import Kind, Place, Thing, kinds, register, tombstone
from ckanext.kzopen.publishing import listings, uploads
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.package import hide_table, shown_version
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.publishing.validators import from_json
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.model import Version
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

ACTIVITIES = text("DELETE FROM activity WHERE object_id = :package")
HAS_ACTIVITIES = text("SELECT EXISTS (SELECT FROM activity WHERE object_id = :package)")


def find_dataset(session: Session, reference: str) -> Thing | None:
    """A data set by name or id, also one that was deleted but not purged."""
    package = model.Package.get(reference)
    return _thing_of(session, package, "dataset", package.id, package.name, {}) if package else None


def find_version(session: Session, reference: str) -> Thing | None:
    """A version by `name/number`."""
    uri, _, number = reference.rpartition("/")
    version = versions.numbered(session, uri, int(number)) if number.isdecimal() else None
    package = model.Package.get(version.package_id) if version else None
    if version is None or package is None:
        return None
    parts = {"number": version.number, "sha256": version.sha256}
    return _thing_of(session, package, "version", f"{package.id}/{version.number}", f"{uri}/{version.number}", parts)


def find_resource(session: Session, reference: str) -> Thing | None:
    """A file of a data set by its id; KzError withdrawal.table_of_versions for the table that the publish path keeps."""
    resource = model.Resource.get(reference)
    if resource is None or resource.state != model.State.ACTIVE:
        return None
    thing = _thing_of(session, resource.package, "resource", resource.id, resource.package.name, {})
    if thing.parts.get("resource") == resource.id:
        raise KzError("withdrawal.table_of_versions", name=resource.package.name)
    return thing


def _thing_of(session: Session, package: Any, kind: str, number: str, name: str, parts: dict[str, Any]) -> Thing:
    passport = session.get(Passport, package.id)
    where = {"package": package.id, "resource": passport.resource_id if passport else None}
    public = package.state == model.State.ACTIVE and not package.private
    return Thing(kind, number, name, package.owner_org, _title(package), public, where | parts)


def _title(package: Any) -> dict[str, str]:
    found = from_json((package.extras or {}).get("title_translated")) or package.title
    return dict(found) if isinstance(found, dict) else {"kk": in_language(found, "kk")}


def hide_package(session: Session, thing: Thing) -> None:
    """CKAN's package or resource counts as deleted and nobody follows it; of a version, the earlier one is brought back."""
    if thing.kind == "dataset" and (package := model.Package.get(thing.id)):
        package.state = model.State.DELETED
        session.execute(delete(model.UserFollowingDataset).where(model.UserFollowingDataset.object_id == thing.id))
    if thing.kind == "resource" and (resource := model.Resource.get(thing.id)):
        resource.state = model.State.DELETED
        resource.package.metadata_modified = func.now()
    if thing.kind == "version" and thing.parts.get("resource"):
        package_id = thing.parts["package"]
        jobs.defer(session, "publishing.show_current", lock=f"dataset:{package_id}", package=package_id)
    if thing.kind in ("dataset", "resource"):
        session.execute(ACTIVITIES, {"package": thing.parts["package"]})
    session.flush()


def is_hidden(session: Session, thing: Thing) -> bool:
    """Whether CKAN's package or resource is deleted, and no activity shows it as it was."""
    if thing.kind not in ("dataset", "resource"):
        return True
    kind = model.Package if thing.kind == "dataset" else model.Resource
    state = session.scalar(select(kind.state).where(kind.id == thing.id))
    if state == model.State.ACTIVE:
        return False
    return thing.kind == "resource" or not session.scalar(HAS_ACTIVITIES, {"package": thing.id})


def show_earlier(session: Session, thing: Thing) -> None:
    """Let the package name the earlier version instead of the withdrawn one; commits."""
    passport = session.get(Passport, thing.parts.get("package"))
    if passport is not None and not names_another(session, thing):
        show_current(session, passport)


def show_current(session: Session, passport: Passport) -> None:
    """Let CKAN's package show the current version, or no table when there is none; commits."""
    from ckanext.kzopen.publishing.package import show_version

    if tombstone(session, "dataset", passport.package_id) is not None:
        return
    current = versions.latest(session, passport.uri)
    if current is None:
        hide_table(passport)
    else:
        show_version(configured(), passport, current.number, current, current.created)
    session.commit()


def names_another(session: Session, thing: Thing) -> bool:
    """Whether the package's table is not described as the withdrawn version."""
    if thing.kind != "version" or not thing.parts.get("resource"):
        return True
    return shown_version(session, thing.parts["resource"]) != thing.parts["number"]


def withdraw_deliveries(session: Session, thing: Thing) -> None:
    """Deliveries whose version goes are withdrawn; reports, which quote cells, and names of files are forgotten."""
    for delivery in deliveries_of(session, thing):
        if delivery.state == "accepted":
            found = tombstone(session, thing.kind, thing.id)
            actor, reason = (found.actor, in_language(found.reason, "kk")) if found else ("system:withdrawal", "withdrawn")
            states.change(session, "delivery", delivery, "withdraw", actor, reason=reason, allowed=_by_the_order)
        delivery.report, delivery.file_name = None, None
    session.flush()


def _by_the_order(_actor: str, _right: str, _of: Any) -> bool:
    """Whoever gave the order had the right to; a delivery follows, whatever they may do by now."""
    return True


def are_withdrawn(session: Session, thing: Thing) -> bool:
    """Whether none of the deliveries counts as published or keeps a report."""
    return not any(row.state == "accepted" or row.report is not None for row in deliveries_of(session, thing))


def delete_bodies(session: Session, thing: Thing) -> None:
    """Delete the bytes that were sent."""
    for path in _bodies(session, thing):
        files.of(configured().files_url).delete(path)
    if thing.kind == "dataset":
        uploads.throw_away(session, configured(), thing.id)


def have_no_body(session: Session, thing: Thing) -> bool:
    """Whether none of the sent bytes is kept."""
    parts = thing.kind == "dataset" and uploads.unfinished(session, thing.id)
    return not parts and not any(files.of(configured().files_url).is_left(path) for path in _bodies(session, thing))


def deliveries_of(session: Session, thing: Thing) -> list[Delivery]:
    """The deliveries that brought it: all of a data set, the one that made a version."""
    if thing.kind == "dataset":
        wanted = select(Delivery).where(Delivery.package_id == thing.id)
    elif thing.kind == "version":
        made = select(Version.delivery_id).where(
            Version.package_id == thing.parts["package"], Version.number == thing.parts["number"]
        )
        ids = [UUID(number) for number in session.scalars(made) if number]
        wanted = select(Delivery).where(Delivery.id.in_(ids))
    else:
        return []
    return list(session.scalars(wanted))


def _bodies(session: Session, thing: Thing) -> list[str]:
    """What was sent, and the long lists of what was wrong with it, which quote cells."""
    paths = [delivery.path for delivery in deliveries_of(session, thing)]
    return [*paths, *map(listings.beside, paths)]


def delete_uploads(session: Session, thing: Thing) -> None:
    """Delete the files that CKAN keeps of it."""
    for path in _uploads(session, thing):
        path.unlink(missing_ok=True)


def have_no_upload(session: Session, thing: Thing) -> bool:
    """Whether CKAN keeps no file of it."""
    return not any(path.exists() for path in _uploads(session, thing))


def _uploads(session: Session, thing: Thing) -> list[Path]:
    if thing.kind == "dataset":
        wanted = select(model.Resource.id).where(model.Resource.package_id == thing.id)
        ids = list(session.scalars(wanted))
    else:
        ids = [thing.id] if thing.kind == "resource" else []
    return [Path(get_resource_uploader({"id": number}).get_path(number)) for number in ids]


KINDS = (
    Kind("dataset", {"kk": "Деректер жиыны", "ru": "Набор данных", "en": "Data set"}, find_dataset),
    Kind("version", {"kk": "Кестенің нұсқасы", "ru": "Версия таблицы", "en": "Version of a table"}, find_version),
    Kind("resource", {"kk": "Файл", "ru": "Файл", "en": "File"}, find_resource),
)
PLACES = (
    Place(
        "deliveries",
        {"kk": "Жеткізілімдер мен олардың есептері", "ru": "Поставки и их отчёты", "en": "Deliveries and their reports"},
        withdraw_deliveries,
        are_withdrawn,
        at_once=True,
    ),
    Place(
        "catalogue",
        {"kk": "Каталог, беттер және API", "ru": "Каталог, страницы и API", "en": "Catalogue, pages and APIs"},
        hide_package,
        is_hidden,
        at_once=True,
    ),
    Place(
        "description",
        {"kk": "Кестенің сипаттамасы", "ru": "Описание таблицы", "en": "Description of the table"},
        show_earlier,
        names_another,
    ),
    Place(
        "bodies",
        {"kk": "Жіберілген файлдар", "ru": "Присланные файлы", "en": "Files as they were sent"},
        delete_bodies,
        have_no_body,
    ),
    Place(
        "uploads",
        {"kk": "CKAN жүктемелері", "ru": "Загрузки CKAN", "en": "CKAN's uploads"},
        delete_uploads,
        have_no_upload,
    ),
)


def announce() -> None:
    """Make the kinds and places known."""
    for kind in KINDS:
        kinds.register(kind)
    for place in PLACES:
        register(place)
