"""Versions of tables, their files and DataStore, as places from which things are withdrawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.logic import auth_audit_exempt
from ckan.plugins import plugin_loaded
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal import Place, Thing, Withdrawal, register
from ckanext.kzopen.core.withdrawal.actions import Action, reading, refuse_resource
from ckanext.kzopen.rows.model import Version, lock
from sqlalchemy import func, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

COUNTS = ("added", "changed", "removed", "unchanged")


def versions_of(session: Session, thing: Thing) -> list[Version]:
    """The versions that a data set or a version stands for."""
    if thing.kind not in ("dataset", "version"):
        return []
    wanted = select(Version).where(Version.package_id == thing.parts["package"])
    if thing.kind == "version":
        wanted = wanted.where(Version.number == thing.parts["number"])
    return list(session.scalars(wanted.order_by(Version.number)))


def mark(session: Session, thing: Thing) -> None:
    """No interface gives the versions out any more; the first rows of differences, which show rows of theirs, go too."""
    if thing.kind in ("dataset", "version"):
        lock(session, thing.parts["package"])
    for version in versions_of(session, thing):
        if version.withdrawn is None:
            version.withdrawn = func.now()
        told = (version.number, version.number + 1)
        beside = select(Version).where(Version.package_id == version.package_id, Version.number.in_(told))
        for one in session.scalars(beside):
            one.difference = {name: one.difference[name] for name in COUNTS if name in one.difference}
    session.flush()


def is_marked(session: Session, thing: Thing) -> bool:
    """Whether every version is marked as withdrawn."""
    return all(version.withdrawn is not None for version in versions_of(session, thing))


def delete_files(session: Session, thing: Thing) -> None:
    """Delete the Parquet files that begin or end at it, and copies; versions that stay get other ways first."""
    from ckanext.kzopen.rows import deriving, duck, folding, store, whole
    from ckanext.kzopen.rows.views import cache

    files_url = tk.config["kzopen.files_url"]
    gone = versions_of(session, thing)
    if gone:
        package, numbers = thing.parts["package"], {version.number for version in gone}
        folding.release(session, files_url, package, numbers)
        folding.forget(session, files_url, package, numbers)
    for version in versions_of(session, thing):
        whole.cached(cache(), version).unlink(missing_ok=True)
        duck.drop(deriving.duck_folder(), version.package_id, version.number)
        for path in {version.path, *_stored(version)}:  # of the first a copy may lie here that the bucket does not have
            store.delete(files_url, path)


def has_no_file(session: Session, thing: Thing) -> bool:
    """Whether none of the files is there, named or not."""
    return not any(_lies_there(version) for version in versions_of(session, thing))


def _lies_there(version: Version) -> bool:
    from ckanext.kzopen.core import files
    from ckanext.kzopen.rows import deriving, duck, whole
    from ckanext.kzopen.rows.views import cache

    if files.of(tk.config["kzopen.files_url"]).is_left(version.path):
        return True
    copies = whole.cached(cache(), version).exists(), duck.made_of(deriving.duck_folder(), version.package_id, version.number)
    return any(copies) or bool(_stored(version))


def _stored(version: Version) -> list[str]:
    """The stored files whose names say that they begin or end at the version; a killed folding may have left some."""
    from ckanext.kzopen.core import files
    from ckanext.kzopen.rows import store

    ends = re.compile(rf"(v\d+-)?v{version.number}-(v\d+-)?[0-9a-f]{{16}}\.parquet")
    entries = files.of(tk.config["kzopen.files_url"]).listing(f"{store.FOLDER}/{version.uri}")
    return [entry.name for entry in entries if ends.fullmatch(entry.name.rpartition("/")[2])]


def drop_tables(session: Session, thing: Thing) -> None:
    """Drop what DataStore holds of it; the earlier version that becomes current is loaded by a job of the publish path."""
    from ckanext.kzopen.rows import datastore

    for resource_id in _tables(session, thing):
        with _datastore() as connection:
            datastore.drop_unless(connection, resource_id, lambda sha256: _may_stay(session, thing, sha256))


def has_no_table(session: Session, thing: Thing) -> bool:
    """Whether DataStore holds nothing of it, not even in a hidden table that waits for its switch."""
    from ckanext.kzopen.rows import datastore

    with _datastore() as connection:
        held = [mark for resource_id in _tables(session, thing) for mark in datastore.marks(connection, resource_id)]
    return all(_may_stay(session, thing, sha256) for sha256 in held)


def _tables(session: Session, thing: Thing) -> list[str]:
    """The resources whose tables may hold rows of it."""
    if thing.kind == "resource":
        return [thing.id]
    if thing.kind == "version":
        return [resource] if (resource := thing.parts.get("resource")) else []
    if thing.kind != "dataset":
        return []
    wanted = select(model.Resource.id).where(model.Resource.package_id == thing.parts["package"])
    named = {thing.parts["resource"]} if thing.parts.get("resource") else set()
    return sorted({*session.scalars(wanted), *named})


def _may_stay(session: Session, thing: Thing, sha256: str | None) -> bool:
    """Whether a table is of another version than the withdrawn one; of a data set or file none may stay."""
    if thing.kind != "version":
        return False
    others = Version.package_id == thing.parts["package"], Version.number != thing.parts["number"]
    known = select(Version.id).where(*others, Version.withdrawn.is_(None), Version.sha256 == sha256)
    return session.scalar(known.limit(1)) is not None


@contextmanager
def _datastore() -> Iterator[Connection]:
    from ckanext.datastore.backend.postgres import get_write_engine

    with get_write_engine().begin() as connection:
        yield connection


def refuse_table(resource_id: str) -> None:
    """Raise Gone for a withdrawn table, and withdrawal.under_way while DataStore may still hold a withdrawn version.

    DataStore is another database than the tombstone's: until it has followed, its table is not read at all.
    """
    refuse_resource(resource_id)
    waiting = select(Withdrawal.id).where(Withdrawal.complete.is_(None), Withdrawal.kind == "version")
    if model.Session().scalar(waiting.where(Withdrawal.parts["resource"].astext == resource_id).limit(1)):
        raise KzError("withdrawal.under_way")


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen_rows` gives CKAN; none where its plugin `datastore` is off."""
    return chained() if plugin_loaded("datastore") else {}


def chained() -> dict[str, Action]:
    """Our part of DataStore's actions."""
    found = {name: reading(refuse_table, "resource_id", "id") for name in ("datastore_search", "datastore_info")}
    # CKAN's are exempt too: the list of tables is read without a right of its own.
    exempt: dict[str, Any] = {name: auth_audit_exempt(action) for name, action in found.items()}
    return exempt


PLACES = (
    Place(
        "versions",
        {"kk": "Нұсқалар, олардың мекенжайлары мен айырмалары", "ru": "Версии, их адреса и различия", "en": "Versions"},
        mark,
        is_marked,
        at_once=True,
    ),
    Place(
        "files",
        {"kk": "Parquet файлдары", "ru": "Файлы Parquet", "en": "Parquet files"},
        delete_files,
        has_no_file,
    ),
    Place(
        "datastore",
        {"kk": "DataStore кестелері", "ru": "Таблицы DataStore", "en": "DataStore tables"},
        drop_tables,
        has_no_table,
    ),
)


def announce() -> None:
    """Make the places known; DataStore only where CKAN has it."""
    for place in PLACES:
        if place.name != "datastore" or plugin_loaded("datastore"):
            register(place)
