"""A DuckDB file of the current version, for counts: many times faster than PostgreSQL, and made again at will.

It lies on this machine, under the portal's data, holds a whole table, and is made when a table is stored or folded as a
whole one; changes are laid over it. Where there is none, PostgreSQL counts. Exports are written from the Parquet files.
Whoever asks gets a connection that may read one table, `rows`, and nothing else: no file by its name, not even its own, no
network, no other settings.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from ckanext.kzopen.core.files import Disk
from ckanext.kzopen.core.files.kinds import UNFINISHED
from ckanext.kzopen.rows import store
from ckanext.kzopen.rows.chain import Link
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.reading import Table

# DuckDB is loaded by those who use it: an idle portal has no memory for it.
if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "256MB"
THREADS = 1
ROWS = "rows"


def file_of(folder: Path, version: Version, whole: Link) -> Path:
    """Where the DuckDB file of a whole table lies, if it was made; `version` is any of the same data set."""
    return folder / f"{version.package_id}-v{whole.number}-{whole.sha256[:16]}.duckdb"


def build(folder: Path, version: Version, table: Table) -> Path:
    """Make the file of the whole table below the version, whole or not at all, with the row numbers as `_id`."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keeper, final = Disk(folder.parent), file_of(folder, version, table.whole)
    below = Table(table.files_url, table.links[:1], table.whole.rows)
    with keeper.scratch(folder.name) as temporary:
        temporary.unlink()  # DuckDB makes its files itself
        with duckdb.connect(str(temporary), config={"memory_limit": MEMORY, "threads": THREADS}) as connection:
            _fill(connection, below)
        keeper.keep(temporary, f"{folder.name}/{final.name}")
    for older in set(folder.glob(f"{version.package_id}-v*.duckdb")) - {final}:
        older.unlink(missing_ok=True)
    return final


def _fill(connection: DuckDBPyConnection, table: Table) -> None:
    done = 0
    for batch in table.batches(size=100_000):
        verb = f"INSERT INTO {ROWS}" if done or connection.execute("SHOW TABLES").fetchall() else f"CREATE TABLE {ROWS} AS"
        connection.register("batch", batch.replace_schema_metadata(None))
        numbered = "SELECT ? + row_number() OVER () AS _id, * FROM batch"
        connection.execute(f"{verb} {numbered}", [done])
        connection.unregister("batch")
        done += batch.num_rows


@contextmanager
def opened(folder: Path, version: Version, table: Table) -> Iterator[DuckDBPyConnection]:
    """A locked connection with the table `rows`: the version's own, with the changes over it.

    Raises FileNotFoundError where the file was not made, and what `unreadable` gives for one that cannot be read.
    """
    import duckdb

    file = file_of(folder, version, table.whole)
    if not file.exists():
        raise FileNotFoundError(file)
    with duckdb.connect(":memory:", config={"memory_limit": MEMORY, "threads": THREADS}) as connection:
        connection.execute(f"ATTACH '{_escaped(file)}' AS whole (READ_ONLY)")
        base = f"SELECT * FROM whole.{ROWS} WHERE _id <= {table.rows}"  # noqa: S608 - a number
        _lay(connection, base, table.changes)
        _lock(connection)
        yield connection


def unreadable() -> type[Exception]:
    """What DuckDB raises when a file has gone; its library is loaded where it is asked for only."""
    import duckdb

    return duckdb.Error


def _lay(connection: DuckDBPyConnection, base: str, changes: pa.Table | None) -> None:
    """The changes, which are few and lie in memory, over the whole table."""
    if changes is None:
        connection.execute(f"CREATE VIEW {ROWS} AS {base}")
        return
    names = ", ".join(_quoted(name) for name in changes.column_names if name != store.PLACE)
    connection.register("changed", changes)
    connection.execute(f"CREATE TABLE over AS SELECT {store.PLACE} AS _id, {names} FROM changed")  # noqa: S608 - quoted
    connection.unregister("changed")
    below = f"SELECT * FROM ({base}) WHERE _id NOT IN (SELECT _id FROM over)"  # noqa: S608 - made above
    connection.execute(f"CREATE VIEW {ROWS} AS {below} UNION ALL SELECT * FROM over")  # noqa: S608 - made above


def _escaped(file: Path) -> str:
    return str(file).replace("'", "''")


def _lock(connection: DuckDBPyConnection) -> None:
    """In this order: no network and no extensions, no file any more, no changes of settings.

    The attached file is open already. DuckDB counts its path among those that are allowed, so that COPY would write to it:
    therefore files are switched off altogether.
    """
    connection.execute("SET enable_external_access = false")
    connection.execute("SET disabled_filesystems = 'LocalFileSystem'")
    connection.execute("SET lock_configuration = true")


def count(connection: DuckDBPyConnection, among: Mapping[str, Sequence[Any]] | None = None) -> int:
    """How many rows have in each of these columns one of the values, which are of the column's type."""
    wanted = among or {}
    clauses = [f"{_quoted(name)} IN ({', '.join('?' * len(values))})" for name, values in wanted.items()]
    where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
    given = [value for values in wanted.values() for value in values]
    row = connection.execute(f"SELECT count(*) FROM {ROWS}{where}", given).fetchone()  # noqa: S608 - quoted
    return int(row[0]) if row else 0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def stale(folder: Path, wanted: set[Path]) -> list[Path]:
    """Files in the folder that are not wanted any more; unfinished ones are stale after an hour."""
    if not folder.is_dir():
        return []
    unfinished = [file for file in folder.iterdir() if file.name.startswith(UNFINISHED)]
    old = [file for file in unfinished if file.stat().st_mtime < time.time() - 3600]
    return sorted([*old, *(set(folder.glob("*.duckdb")) - wanted)])


def drop(folder: Path, package_id: str, number: int) -> None:
    """Delete what was made of a whole version; whoever reads it at this moment may end."""
    for file in made_of(folder, package_id, number):
        file.unlink(missing_ok=True)


def made_of(folder: Path, package_id: str, number: int) -> list[Path]:
    """The DuckDB files of a whole version."""
    return sorted(folder.glob(f"{package_id}-v{number}-*.duckdb"))
