"""A version that is read from several files as one whole file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from ckanext.kzopen.core import files
from ckanext.kzopen.core.files import Disk
from ckanext.kzopen.core.files.cache import shrink
from ckanext.kzopen.rows import store
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.reading import WHOLE_BATCH, Table
from ckanext.kzopen.rows.store import FOLDER, StoredVersion, described_schema, digest_of

CACHE_BYTES = 2 << 30
CANONICAL = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")


def write(files_url: str, version: Version, table: Table) -> tuple[StoredVersion, str]:
    """Store it under the files address; the file, and the SHA-256 over its rows."""
    keeper = files.of(files_url)
    with keeper.scratch(f"{FOLDER}/{version.uri}") as temporary:
        rows_sha256 = copy(version, table, temporary)
        digest, size = digest_of(temporary), temporary.stat().st_size
        path = f"{FOLDER}/{version.uri}/v{version.number}-{digest[:16]}.parquet"
        keeper.keep(temporary, path)
    return StoredVersion(path, digest, size, version.rows), rows_sha256


def copy(version: Version, table: Table, target: Path) -> str:
    """Write the rows to a Parquet file; their SHA-256, which is the same however the version is stored.

    It is over the rows as CSV in UTF-8: every value in quotes, none as nothing, lines ended by a line feed.
    """
    schema = _schema(version, table)
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        return _digested(table, schema, partial(writer.write_table, row_group_size=store.ROW_GROUP))


def sha256_of_rows(version: Version, table: Table) -> str:
    """What `copy` would say of the rows, which are read and not written."""
    return _digested(table, _schema(version, table), lambda _rows: None)


def _digested(table: Table, schema: pa.Schema, take: Callable[[pa.Table], None]) -> str:
    digest = hashlib.sha256()
    for batch in table.batches(size=WHOLE_BATCH):
        rows = batch.cast(schema)
        digest.update(canonical(rows))
        take(rows)
    return digest.hexdigest()


def _schema(version: Version, table: Table) -> pa.Schema:
    return described_schema(table.schema, version.schema) if version.schema.get("fields") else table.schema


def canonical(rows: pa.Table) -> memoryview:
    """Rows as the bytes over which the SHA-256 of a version's rows is taken."""
    sink = pa.BufferOutputStream()
    nulls = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in rows.schema]
    pa_csv.write_csv(rows.cast(pa.schema(nulls)), sink, CANONICAL)
    return memoryview(sink.getvalue())


def kept(files_url: str, version: Version, table: Table, cache: Path) -> Path:
    """One Parquet file with the version's rows: its own when it is stored whole, else one in the folder `cache`.

    The folder is kept under CACHE_BYTES; what was not asked for the longest time goes first.
    """
    if len(table.links) == 1:
        return store.file_of(files_url, table.whole.path)
    found = cached(cache, version)
    if not found.exists():
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        keeper = Disk(cache.parent)
        with keeper.scratch(cache.name) as temporary:
            copy(version, table, temporary)
            keeper.keep(temporary, f"{cache.name}/{found.name}")
        shrink([cache], CACHE_BYTES)
    with suppress(FileNotFoundError):
        os.utime(found)
    return found


def cached(cache: Path, version: Version) -> Path:
    """Where the whole file of a version lies once it was asked for."""
    return cache / f"{version.sha256}.parquet"
