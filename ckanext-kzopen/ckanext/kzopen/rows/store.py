"""Tables as Parquet files that never change, named by their SHA-256: whole ones, and changes from one version to another.

Row numbers: the rows of a version are numbered 1…n without a gap; DataStore's `_id` is this number. A whole file has its
rows in this order. A file of changes has them under their numbers in the column PLACE (`rows.chain` puts both together).
Equal tables give equal files, byte for byte, with the same pyarrow.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ckanext.kzopen.core import files
from ckanext.kzopen.core.files import Entry, Files, UnknownStore

URI = re.compile(r"[a-z0-9_-]{2,100}")
FOLDER = "versions"
ROW_GROUP, GROUP_CELLS = 100_000, 4_000_000
"""Rows of a group at most, and about how many cells, of a table with more than forty columns."""
SCHEMA_KEY = b"kzopen.schema"
PLACE = "_place"
SEEN = 10_000

__all__ = ["Condition", "StoredVersion", "UnknownStore"]


@dataclass(frozen=True)
class StoredVersion:
    """A stored file: `path` under the files address, its SHA-256 in hex, bytes, rows."""

    path: str
    sha256: str
    size: int
    rows: int


class Condition(StrEnum):
    """How a version's file is found."""

    WHOLE = "whole"
    MISSING = "missing"
    DAMAGED = "damaged"


def write_version(
    files_url: str, uri: str, number: int, table: pa.Table, schema: Mapping[str, Any] | None = None
) -> StoredVersion:
    """Write version `number` of data set `uri` whole; when it returns, the file survives a power cut.

    It is written beside its place, synced and renamed, so that nobody ever sees half a file. `schema`, the Table Schema
    descriptor, travels inside the file with the labels of its fields.
    """
    with drafted(files_url, uri, schema) as draft:
        draft.take(table)
        draft.end()
        return draft.keep(number)


def write_changes(files_url: str, uri: str, since: int, number: int, changes: pa.Table) -> StoredVersion:
    """Write the rows (with their PLACE) that make version `number` out of version `since`, as safely."""
    with drafted(files_url, uri) as draft:
        draft.take(changes.replace_schema_metadata(None))
        draft.end()
        return draft.keep(number, since)


class Draft:
    """A version's file while its rows come, piece after piece; memory is that of one group of rows.

    Groups are cut at the same rows, and each is one chunk, however the rows came: so the file depends on the table alone. Of a
    table whose texts are very long a group may still be the whole table.
    """

    def __init__(self, keeper: Files, path: Path, uri: str, schema: Mapping[str, Any]) -> None:
        self._keeper, self._uri, self._schema = keeper, uri, schema
        self._waiting: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self.path, self.rows = path, 0

    def take(self, rows: pa.Table) -> None:
        """The next rows; all come with the same columns. At least one table has to come, if only an empty one."""
        self._waiting.append(rows)
        self.rows += rows.num_rows
        if sum(table.num_rows for table in self._waiting) >= _group_of(rows):
            self._write_groups()

    def end(self) -> None:
        """No rows come any more: the file can be read."""
        self._write_groups(also_the_rest=True)
        self._close()

    def keep(self, number: int, since: int | None = None) -> StoredVersion:
        """After `end`: the file becomes that of version `number`, or of the change that makes it out of `since`."""
        name = f"v{number}" if since is None else f"v{since}-v{number}"
        digest, size = digest_of(self.path), self.path.stat().st_size
        path = f"{FOLDER}/{self._uri}/{name}-{digest[:16]}.parquet"
        self._keeper.keep(self.path, path)
        return StoredVersion(path, digest, size, self.rows)

    def give_up(self) -> None:
        """Nobody wants the file, which may have no room for its end; asked again, or once it is kept, it does nothing."""
        self._waiting = []
        with suppress(OSError, pa.ArrowInvalid):
            self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _write_groups(self, *, also_the_rest: bool = False) -> None:
        """Write what waits in whole groups; a table without rows is a file too."""
        rows = pa.concat_tables(self._waiting)
        group = _group_of(rows)
        while self._writer is None or rows.num_rows >= (1 if also_the_rest else group):
            self._write(rows.slice(0, group))
            rows = rows.slice(group)
        self._waiting = [rows]

    def _write(self, rows: pa.Table) -> None:
        group = described(rows, self._schema).combine_chunks()
        if self._writer is None:
            told = repeating(group)
            self._writer = pq.ParquetWriter(self.path, group.schema, compression="zstd", use_dictionary=told)
        self._writer.write_table(group, row_group_size=ROW_GROUP)


def _group_of(table: pa.Table) -> int:
    """How many rows of such a table are a group."""
    return max(1, min(ROW_GROUP, GROUP_CELLS // max(1, table.num_columns)))


@contextmanager
def drafted(files_url: str, uri: str, schema: Mapping[str, Any] | None = None) -> Iterator[Draft]:
    """The file of a version of data set `uri` that is to be written; unless it was kept, nothing is left of it.

    Raises ValueError for a name that cannot be a folder's.
    """
    if not URI.fullmatch(uri):
        raise ValueError(f"{uri!r} cannot be the name of a data set")
    keeper = files.of(files_url)
    with keeper.scratch(f"{FOLDER}/{uri}") as temporary:
        draft = Draft(keeper, temporary, uri, schema or {})
        try:
            yield draft
        finally:
            draft.give_up()


def repeating(table: pa.Table) -> list[str]:
    """The columns whose values repeat, by the first rows: a dictionary of the others would cost time and save nothing."""
    first = table.slice(0, SEEN)
    counts = {name: pc.count_distinct(first.column(name)).as_py() for name in table.column_names}
    return [name for name, count in counts.items() if count <= first.num_rows // 2]


def digest_of(path: Path) -> str:
    """The SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def described(table: pa.Table, schema: Mapping[str, Any]) -> pa.Table:
    """The table with its Table Schema, and the labels of each field, in the metadata of its Arrow schema."""
    return table.cast(described_schema(table.schema, schema)) if schema else table


def described_schema(arrow: pa.Schema, schema: Mapping[str, Any]) -> pa.Schema:
    """An Arrow schema with the Table Schema, and the labels of each field, in its metadata."""
    by_name = {field["name"]: field for field in schema["fields"]}
    fields = [field.with_metadata(_labels(by_name.get(field.name, {}))) for field in arrow]
    told = {SCHEMA_KEY: json.dumps(schema, ensure_ascii=False, sort_keys=True).encode()}
    return pa.schema(fields, metadata=told)


def _labels(field: Mapping[str, Any]) -> dict[str, str]:
    translated = {f"title_{lang}": text for lang, text in (field.get("title_translated") or {}).items() if text}
    return ({"title": field["title"]} if field.get("title") else {}) | translated


def file_of(files_url: str, path: str) -> Path:
    """A stored file on this machine; FileNotFoundError when it is gone, ValueError for a path outside the versions."""
    return files.of(files_url).path(inside(path))


def inside(path: str) -> str:
    """The path, unless it does not lie in the versions' folder."""
    if not path.startswith(f"{FOLDER}/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} does not lie under {FOLDER}/")
    return path


def delete(files_url: str, path: str) -> None:
    """Delete a stored file; it need not be there."""
    files.of(files_url).delete(inside(path))


def exists(files_url: str, path: str) -> bool:
    """Whether the file is stored."""
    return files.of(files_url).exists(inside(path))


def read_version(files_url: str, path: str) -> pa.Table:
    """The rows of one stored file; FileNotFoundError when it is gone.

    Not by `pq.read_table`, which looks at the file as at a set of many first: a file of few changes takes twice as long.
    """
    with pq.ParquetFile(file_of(files_url, path)) as file:
        return file.read()


def schema_in(table: pa.Table) -> dict[str, Any]:
    """The Table Schema descriptor that travels in a version's file, or an empty dict."""
    told = (table.schema.metadata or {}).get(SCHEMA_KEY)
    return json.loads(told) if told else {}


def verify(files_url: str, path: str, sha256: str) -> bool:
    """Whether the file is there and is the one that was accepted."""
    return condition(files_url, path, sha256) is Condition.WHOLE


def condition(files_url: str, path: str, sha256: str) -> Condition:
    """Whether the file is the one that was accepted, another one, or gone."""
    if not exists(files_url, path):
        return Condition.MISSING
    try:
        return Condition.WHOLE if digest_of(file_of(files_url, path)) == sha256 else Condition.DAMAGED
    except FileNotFoundError:
        return Condition.MISSING


def leftovers(files_url: str, known: Collection[str], older_than: float = 3600.0) -> list[Entry]:
    """Files that nothing names (`known`: their paths), untouched for `older_than` seconds: traces of killed jobs."""
    before = time.time() - older_than
    return [entry for entry in files.of(files_url).listing(FOLDER) if entry.name not in known and entry.written < before]


def delete_leftovers(files_url: str, known: Collection[str], older_than: float = 3600.0) -> int:
    """Delete the `leftovers`; how many there were."""
    found = leftovers(files_url, known, older_than)
    for entry in found:
        delete(files_url, entry.name)
    return len(found)
