"""The DuckDB file of a table: who asks it reads one table, and can neither reach nor change anything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa
import pytest
from ckanext.kzopen.rows import duck, store
from ckanext.kzopen.rows.chain import Link
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.reading import Table

SENT = pa.table({"code": [f"{number:03d}" for number in range(30)], "amount": list(range(30))})


@pytest.fixture
def version() -> Version:
    return Version(package_id=str(uuid4()), number=1)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A whole table, stored as a version."""
    url = f"file://{tmp_path / 'files'}"
    stored = store.write_version(url, "schools", 1, SENT)
    link = Link(None, 1, stored.path, stored.rows)
    return Table(url, (link,), stored.rows)


@pytest.fixture
def file(tmp_path: Path, version: Version, table: Table) -> Path:
    return duck.build(tmp_path / "duckdb", version, table)


@pytest.fixture
def locked(tmp_path: Path, version: Version, table: Table, file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duck.opened(tmp_path / "duckdb", version, table) as connection:
        yield connection


def test_the_rows_are_those_of_the_version(locked: duckdb.DuckDBPyConnection) -> None:
    assert (duck.count(locked), duck.count(locked, {"code": ["007", "029", "none"]})) == (30, 2)
    assert locked.execute("SELECT * FROM rows WHERE amount = 4").fetchall() == [(5, "004", 4)]


FORBIDDEN = (
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM '{parquet}'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM 'http://127.0.0.1/rows.csv'",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '{file}' (FORMAT csv, USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{parquet}' (FORMAT csv, USE_TMP_FILE false)",
    "COPY rows FROM '/etc/passwd'",
    "EXPORT DATABASE '{folder}/out'",
    "ATTACH '{folder}/new.duckdb'",
    "ATTACH '{file}' AS again",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 8",
    "SET memory_limit = '64GB'",
    "RESET memory_limit",
    "SET enable_external_access = true",
    "SET allowed_paths = ['/etc/passwd']",
    "SET lock_configuration = false",
    "PRAGMA memory_limit = '64GB'",
    "DELETE FROM whole.rows",
    "INSERT INTO whole.rows VALUES (31, '030', 30)",
    "UPDATE whole.rows SET amount = 0",
    "DROP TABLE whole.rows",
    "CREATE TABLE whole.more (a int)",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_nothing_else_can_be_read_written_or_set(
    locked: duckdb.DuckDBPyConnection, tmp_path: Path, table: Table, file: Path, statement: str
) -> None:
    parquet = store.file_of(table.files_url, table.whole.path)
    before = file.read_bytes(), parquet.read_bytes(), set(tmp_path.rglob("*"))

    with pytest.raises(duckdb.Error):
        locked.execute(statement.format(file=file, parquet=parquet, folder=tmp_path)).fetchall()

    assert duck.count(locked) == 30
    assert (file.read_bytes(), parquet.read_bytes(), set(tmp_path.rglob("*"))) == before


def test_its_own_file_cannot_be_taken_off_and_opened_for_writing(locked: duckdb.DuckDBPyConnection, file: Path) -> None:
    locked.execute("DETACH whole")

    with pytest.raises(duckdb.Error):
        locked.execute(f"ATTACH '{file}' AS whole")


def test_without_its_file_nothing_is_opened(tmp_path: Path, version: Version, table: Table) -> None:
    with pytest.raises(FileNotFoundError), duck.opened(tmp_path / "duckdb", version, table):
        pass
