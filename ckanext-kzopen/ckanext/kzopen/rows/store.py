"""Versions of tables as Parquet files that never change, named by their SHA-256.

Row numbers: the rows of a version are numbered 1…n in the order of the file, which is the order of the delivery;
DataStore's `_id` is this number. Equal tables give equal files, byte for byte, with the same pyarrow.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

URI = re.compile(r"[a-z0-9_-]{2,100}")
FOLDER = "versions"
UNFINISHED = ".unfinished-"
ROW_GROUP = 100_000
SCHEMA_KEY = b"kzopen.schema"


class UnknownStore(ValueError):
    """Files can be kept under a file:// address only; other kinds of stores are not supported yet."""


@dataclass(frozen=True)
class StoredVersion:
    """A version's file: `path` relative to the files address, its SHA-256 in hex, bytes, rows."""

    path: str
    sha256: str
    size: int
    rows: int


class Condition(StrEnum):
    """How a version's file is found."""

    WHOLE = "whole"
    MISSING = "missing"
    DAMAGED = "damaged"


def root_of(files_url: str) -> Path:
    """The folder behind a `file:///absolute/path` address."""
    parts = urlsplit(files_url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise UnknownStore(f"{parts.scheme or files_url}: set kzopen.files_url to file:///an/absolute/path")
    return Path(unquote(parts.path))


def write_version(
    files_url: str, uri: str, number: int, table: pa.Table, schema: Mapping[str, Any] | None = None
) -> StoredVersion:
    """Write version `number` of data set `uri`; when it returns, the file survives a power cut.

    It is written beside its place, synced and renamed, so that nobody ever sees half a file. `schema`, the Table Schema
    descriptor, travels inside the file with the labels of its fields.
    """
    if not URI.fullmatch(uri):
        raise ValueError(f"{uri!r} cannot be the name of a data set")
    folder = root_of(files_url) / FOLDER / uri
    folder.mkdir(parents=True, exist_ok=True)
    with _unfinished(folder) as temporary:
        pq.write_table(described(table, schema or {}), temporary, compression="zstd", row_group_size=ROW_GROUP)
        digest = _synced_digest(temporary)
        final = folder / f"v{number}-{digest[:16]}.parquet"
        size = temporary.stat().st_size
        temporary.rename(final)
    _sync_folder(folder)
    return StoredVersion(str(final.relative_to(root_of(files_url))), digest, size, table.num_rows)


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """A temporary file in `folder`, removed when the work fails."""
    with NamedTemporaryFile(dir=folder, prefix=UNFINISHED, delete=False) as file:
        path = Path(file.name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _synced_digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """A rename is safe only when the folder itself is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def described(table: pa.Table, schema: Mapping[str, Any]) -> pa.Table:
    """The table with its Table Schema, and the labels of each field, in the metadata of its Arrow schema."""
    if not schema:
        return table
    by_name = {field["name"]: field for field in schema["fields"]}
    fields = [field.with_metadata(_labels(by_name.get(field.name, {}))) for field in table.schema]
    told = {SCHEMA_KEY: json.dumps(schema, ensure_ascii=False, sort_keys=True).encode()}
    return table.cast(pa.schema(fields, metadata=told))


def _labels(field: Mapping[str, Any]) -> dict[str, str]:
    translated = {f"title_{lang}": text for lang, text in (field.get("title_translated") or {}).items() if text}
    return ({"title": field["title"]} if field.get("title") else {}) | translated


def file_of(files_url: str, path: str) -> Path:
    """Where a version's file lies; a path that leads out of the versions' folder is refused."""
    root = (root_of(files_url) / FOLDER).resolve()
    file = (root_of(files_url) / path).resolve()
    if not file.is_relative_to(root):
        raise ValueError(f"{path!r} does not lie under {FOLDER}/")
    return file


def read_version(files_url: str, path: str) -> pa.Table:
    """The whole table of a version; FileNotFoundError when its file is gone."""
    return pq.read_table(file_of(files_url, path))


def schema_in(table: pa.Table) -> dict[str, Any]:
    """The Table Schema descriptor that travels in a version's file, or an empty dict."""
    told = (table.schema.metadata or {}).get(SCHEMA_KEY)
    return json.loads(told) if told else {}


def verify(files_url: str, path: str, sha256: str) -> bool:
    """Whether the file is there and is the one that was accepted."""
    return condition(files_url, path, sha256) is Condition.WHOLE


def condition(files_url: str, path: str, sha256: str) -> Condition:
    """Whether the file is the one that was accepted, another one, or gone."""
    try:
        with file_of(files_url, path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return Condition.MISSING
    return Condition.WHOLE if digest == sha256 else Condition.DAMAGED


def leftovers(files_url: str, known: Collection[str], older_than: float = 3600.0) -> list[Path]:
    """Files that no version names (`known`: their paths), untouched for `older_than` seconds: traces of killed jobs."""
    root = root_of(files_url)
    before = time.time() - older_than
    files = (file for file in (root / FOLDER).glob("*/*") if file.is_file())
    return sorted(file for file in files if str(file.relative_to(root)) not in known and file.stat().st_mtime < before)


def delete_leftovers(files_url: str, known: Collection[str], older_than: float = 3600.0) -> int:
    """Delete the `leftovers`; how many there were."""
    found = leftovers(files_url, known, older_than)
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)
