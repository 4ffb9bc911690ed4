"""Versions as files: whole or not there, never changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ckanext.kzopen.core import files
from ckanext.kzopen.rows import store
from ckanext.kzopen.rows.reading import Drafted
from ckanext.kzopen.rows.store import Condition, UnknownStore

TABLE = pa.table({"bin": ["000140000012", "990240000415"], "sum": [10.5, None]})
SCHEMA = {
    "fields": [
        {"name": "bin", "type": "string", "title_translated": {"kk": "БСН", "ru": "БИН"}},
        {"name": "sum", "type": "number", "title": "Sum"},
    ]
}


@pytest.fixture
def files_url(tmp_path: Path) -> str:
    return f"file://{tmp_path}"


def test_a_version_reads_back_as_it_was_written(files_url: str) -> None:
    stored = store.write_version(files_url, "subsidies", 1, TABLE, SCHEMA)
    assert store.read_version(files_url, stored.path).equals(TABLE)
    assert stored.rows == 2


def test_the_path_names_the_data_set_the_number_and_the_checksum(files_url: str) -> None:
    stored = store.write_version(files_url, "subsidies", 3, TABLE)
    assert stored.path == f"versions/subsidies/v3-{stored.sha256[:16]}.parquet"


def test_the_checksum_and_size_are_those_of_the_file(files_url: str, tmp_path: Path) -> None:
    stored = store.write_version(files_url, "subsidies", 1, TABLE)
    content = (tmp_path / stored.path).read_bytes()
    assert (stored.sha256, stored.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_equal_tables_give_equal_files(files_url: str) -> None:
    first = store.write_version(files_url, "subsidies", 1, TABLE, SCHEMA)
    second = store.write_version(files_url, "grants", 1, TABLE, SCHEMA)
    assert first.sha256 == second.sha256


@pytest.mark.parametrize("piece", [1, 3, 7, 10, 100])
def test_the_file_is_the_same_however_the_rows_came(files_url: str, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(store, "ROW_GROUP", 7)
    sums = [number / 2 if number % 5 or number < 9 else None for number in range(40)]
    table = pa.table({"bin": [f"{number:012d}" for number in range(40)], "sum": sums, "none": pa.nulls(40, pa.string())})
    whole = store.write_version(files_url, "subsidies", 1, table, SCHEMA)
    with store.drafted(files_url, "grants", SCHEMA) as draft:
        for start in range(0, 40, piece):
            draft.take(table.slice(start, piece))
        draft.end()
        assert Drafted.of(draft).read().equals(table)
        kept = draft.keep(1)
    assert (kept.sha256, kept.rows) == (whole.sha256, 40)
    assert pq.ParquetFile(store.file_of(files_url, kept.path)).num_row_groups == 6


def test_groups_of_a_wide_table_have_fewer_rows(files_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "GROUP_CELLS", 30)
    table = pa.table({f"c{number}": list(range(10)) for number in range(10)})
    stored = store.write_version(files_url, "subsidies", 1, table)
    assert pq.ParquetFile(store.file_of(files_url, stored.path)).num_row_groups == 4
    assert store.read_version(files_url, stored.path).equals(table)


def test_a_draft_that_is_given_up_holds_neither_rows_nor_file(files_url: str, tmp_path: Path) -> None:
    with store.drafted(files_url, "subsidies", SCHEMA) as draft:
        draft.take(TABLE)
        draft.give_up()
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        assert store.write_version(files_url, "subsidies", 1, TABLE).rows == 2


def test_a_full_disk_hides_nothing_else_that_went_wrong(files_url: str) -> None:
    class Full:
        def close(self) -> None:
            raise OSError(28, "No space left on device")

    def refuse() -> None:
        with store.drafted(files_url, "subsidies", SCHEMA) as draft:
            draft._writer = Full()
            raise KeyError("refused")

    with pytest.raises(KeyError, match="refused"):
        refuse()


def test_of_a_draft_that_was_not_kept_nothing_is_left(files_url: str, tmp_path: Path) -> None:
    for ended in (False, True):
        with store.drafted(files_url, "subsidies", SCHEMA) as draft:
            draft.take(TABLE)
            if ended:
                draft.end()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_table_without_rows_is_a_file_too(files_url: str) -> None:
    stored = store.write_version(files_url, "subsidies", 1, TABLE.slice(0, 0), SCHEMA)
    assert store.read_version(files_url, stored.path).equals(TABLE.slice(0, 0))


def test_the_schema_and_the_labels_travel_in_the_file(files_url: str) -> None:
    stored = store.write_version(files_url, "subsidies", 1, TABLE, SCHEMA)
    table = store.read_version(files_url, stored.path)
    assert store.schema_in(table) == SCHEMA
    assert table.schema.field("bin").metadata == {b"title_kk": "БСН".encode(), b"title_ru": "БИН".encode()}
    assert table.schema.field("sum").metadata == {b"title": b"Sum"}


def test_a_failed_write_leaves_nothing_behind(files_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        store.write_version(files_url, "subsidies", 1, TABLE)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_whole_a_damaged_and_a_missing_file_are_told_apart(files_url: str, tmp_path: Path) -> None:
    stored = store.write_version(files_url, "subsidies", 1, TABLE)
    assert store.condition(files_url, stored.path, stored.sha256) is Condition.WHOLE
    assert store.verify(files_url, stored.path, stored.sha256)
    with (tmp_path / stored.path).open("r+b") as file:
        file.seek(20)
        file.write(b"\x00\x01")
    assert store.condition(files_url, stored.path, stored.sha256) is Condition.DAMAGED
    assert not store.verify(files_url, stored.path, stored.sha256)
    (tmp_path / stored.path).unlink()
    assert store.condition(files_url, stored.path, stored.sha256) is Condition.MISSING


def test_only_old_files_that_no_version_names_are_leftovers(files_url: str, tmp_path: Path) -> None:
    kept = store.write_version(files_url, "subsidies", 1, TABLE)
    forgotten = store.write_version(files_url, "subsidies", 2, TABLE.slice(0, 1))
    fresh = store.write_version(files_url, "subsidies", 3, TABLE.slice(1, 1))
    killed = tmp_path / "versions" / "subsidies" / ".unfinished-abc"
    killed.write_bytes(b"PAR1")
    for path in (tmp_path / kept.path, tmp_path / forgotten.path, killed):
        os.utime(path, (0, 0))
    assert store.delete_leftovers(files_url, {kept.path}) == 2
    assert sorted(path.name for path in (tmp_path / "versions" / "subsidies").iterdir()) == sorted(
        [Path(kept.path).name, Path(fresh.path).name]
    )


@pytest.mark.parametrize("address", ["s3://bucket?colour=red", "/srv/files", "file://host/srv", "http://files.example"])
def test_any_other_store_is_refused(address: str) -> None:
    with pytest.raises(UnknownStore):
        files.of(address)


@pytest.mark.parametrize("uri", ["../etc", "a", "Имя", "a/b", "UPPER", "x" * 101, ""])
def test_a_data_set_cannot_be_named_so_that_files_leave_their_folder(files_url: str, uri: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        store.write_version(files_url, uri, 1, TABLE)


@pytest.mark.parametrize("path", ["../secret", "versions/../../secret", "/etc/passwd", "versions/a/../../../x"])
def test_a_path_that_leads_out_of_the_folder_is_refused(files_url: str, path: str) -> None:
    with pytest.raises(ValueError, match="does not lie under"):
        store.read_version(files_url, path)
