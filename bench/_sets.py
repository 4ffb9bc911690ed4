"""The documents of `_documents.py` as data sets in a CKAN database, by COPY: the same rows for ours and for stock CKAN."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from bench import _documents

_NAMESPACE = uuid.UUID("0b8dd4a8-94c0-4a4f-9a5d-5b3f3cb0f0d1")
Row = tuple[Any, ...]


def copied(address: str, count: int) -> None:
    """Write `count` data sets with their organisations, groups, tags and resources; nothing hears of it."""
    packages = [json.loads(source["data_dict"]) for source in _documents.sources(count)]
    with psycopg.connect(address) as connection:
        for table, columns, rows in _tables(packages):
            with connection.cursor().copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _tables(packages: list[dict[str, Any]]) -> Iterator[tuple[str, str, Iterable[Row]]]:
    agencies = {package["organization"]["name"]: package["organization"]["id"] for package in packages}
    themes = sorted({group["name"] for package in packages for group in package["groups"]})
    tags = sorted({tag["name"] for package in packages for tag in package["tags"]})
    yield (
        "group",
        "id, name, title, type, is_organization, approval_status, state, extras",
        [
            *((number, name, name, "organization", True, "approved", "active", "{}") for name, number in agencies.items()),
            *((_id(name), name, name, "group", False, "approved", "active", "{}") for name in themes),
        ],
    )
    yield "tag", "id, name", ((_id(name), name) for name in tags)
    yield "package", _PACKAGE, (_package(package) for package in packages)
    yield "resource", _RESOURCE, (_resource(one) for package in packages for one in package["resources"])
    yield (
        "package_tag",
        "id, package_id, tag_id, state",
        (
            (_id(package["id"] + tag["name"]), package["id"], _id(tag["name"]), "active")
            for package in packages
            for tag in package["tags"]
        ),
    )
    yield (
        "member",
        "id, table_name, table_id, capacity, group_id, state",
        (
            (_id(package["id"] + group), "package", package["id"], capacity, group, "active")
            for package in packages
            for group, capacity in _groups(package)
        ),
    )


def _groups(package: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield package["organization"]["id"], "organization"
    for group in package["groups"]:
        yield _id(group["name"]), "public"


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


_PACKAGE = (
    "id, name, title, version, notes, license_id, type, author, maintainer, owner_org, metadata_created, metadata_modified, "
    "private, state, extras"
)


def _package(package: dict[str, Any]) -> Row:
    extras = json.dumps({extra["key"]: extra["value"] for extra in package["extras"]})
    plain = [package[name] for name in ("id", "name", "title", "version", "notes", "license_id")]
    moments = (package["metadata_created"], package["metadata_modified"])
    owner = package["organization"]["id"]
    return *plain, "dataset", package["author"], package["maintainer"], owner, *moments, False, "active", extras


_RESOURCE = "id, package_id, url, format, description, hash, position, name, size, created, metadata_modified, state, extras"


def _resource(one: dict[str, Any]) -> Row:
    plain = [one[name] for name in ("id", "package_id", "url", "format", "description", "hash", "position", "name", "size")]
    return *plain, one["last_modified"], one["last_modified"], "active", "{}"
