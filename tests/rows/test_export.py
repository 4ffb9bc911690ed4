"""Downloads hold the same rows in every form, and no formula for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ckanext.kzopen.rows import export

TABLE = pa.table(
    {
        "bin": ["000140000012", None],
        "name": ['«Су», "құбыр"\nекі жол', ""],
        "n": [-5, None],
        "sum": [10.5, None],
        "exact": pa.array([Decimal("12345678901234567.89"), None], pa.decimal128(38, 2)),
        "day": pa.array([date(2024, 1, 31), None]),
        "at": pa.array([datetime(2024, 1, 31, 14, 30), None], pa.timestamp("us")),
        "utc": pa.array([datetime(2024, 1, 31, 14, 30, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "open": pa.array([time(9, 30), None], pa.time64("us")),
        "ok": [True, None],
    }
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "v1.parquet"
    pq.write_table(TABLE, path)
    return path


def written(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), path / "t.parquet")
    return path / "t.parquet"


def test_csv_holds_every_value(file: Path) -> None:
    text = b"".join(export.csv_pieces(file, raw=True)).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["bin", "name", "n", "sum", "exact", "day", "at", "utc", "open", "ok"],
        [
            "000140000012",
            '«Су», "құбыр"\nекі жол',
            "-5",
            "10.5",
            "12345678901234567.89",
            "2024-01-31",
            "2024-01-31T14:30:00",
            "2024-01-31T14:30:00Z",
            "09:30:00.000000",
            "true",
        ],
        ["", "", "", "", "", "", "", "", "", ""],
    ]


def test_csv_for_people_begins_with_a_mark_that_excel_needs(file: Path) -> None:
    assert b"".join(export.csv_pieces(file)).startswith(b"\xef\xbb\xbf")
    assert not b"".join(export.csv_pieces(file, raw=True)).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("cell", ["=1+1", "+7 701", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(tmp_path: Path, cell: str) -> None:
    path = written(tmp_path, x=[cell])
    rows = list(csv.reader(io.StringIO(b"".join(export.csv_pieces(path)).decode("utf-8-sig"), newline="")))
    assert rows[1] == ["'" + cell]
    raw = list(csv.reader(io.StringIO(b"".join(export.csv_pieces(path, raw=True)).decode(), newline="")))
    assert raw[1] == [cell]


def test_numbers_below_zero_stay_numbers(tmp_path: Path) -> None:
    assert b"".join(export.csv_pieces(written(tmp_path, x=[-2.5]))).decode("utf-8-sig").split() == ['"x"', "-2.5"]


def test_a_sign_inside_a_later_line_of_a_cell_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, x=["мекенжай\n-үй"])
    assert "'" not in b"".join(export.csv_pieces(path)).decode()


def test_json_holds_every_value_with_exact_decimals(file: Path) -> None:
    text = b"".join(export.json_pieces(file)).decode()
    rows = json.loads(text, parse_float=Decimal)
    assert rows[0] == {
        "bin": "000140000012",
        "name": '«Су», "құбыр"\nекі жол',
        "n": -5,
        "sum": Decimal("10.5"),
        "exact": Decimal("12345678901234567.89"),
        "day": "2024-01-31",
        "at": "2024-01-31T14:30:00",
        "utc": "2024-01-31T14:30:00Z",
        "open": "09:30:00",
        "ok": True,
    }
    assert rows[1] == dict.fromkeys(TABLE.column_names) | {"name": ""}


def test_ndjson_is_one_object_a_line(file: Path) -> None:
    lines = b"".join(export.ndjson_pieces(file)).splitlines()
    assert [json.loads(line)["n"] for line in lines] == [-5, None]


def test_not_a_number_is_null_in_json(tmp_path: Path) -> None:
    assert json.loads(b"".join(export.json_pieces(written(tmp_path, x=[float("nan"), float("inf")])))) == [
        {"x": None},
        {"x": None},
    ]


def test_xlsx_holds_every_value_and_long_numbers_as_text(file: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(export.xlsx_pieces(file))))
    header, first, second = book["data"].iter_rows(values_only=True)
    assert header == tuple(TABLE.column_names)
    assert first == (
        "000140000012",
        '«Су», "құбыр"\nекі жол',
        -5,
        10.5,
        "12345678901234567.89",
        datetime(2024, 1, 31),
        datetime(2024, 1, 31, 14, 30),
        datetime(2024, 1, 31, 14, 30),
        time(9, 30),
        True,
    )
    assert second == (None, "", *[None] * 8)


def test_xlsx_has_no_formula(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(export.xlsx_pieces(written(tmp_path, x=["=1+1", "ok"])))))
    cells = [row[0] for row in book["data"].iter_rows(min_row=2)]
    assert [(cell.data_type, cell.value) for cell in cells] == [("s", "'=1+1"), ("s", "ok")]


def test_a_date_before_spreadsheets_is_text_in_xlsx(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(export.xlsx_pieces(written(tmp_path, x=[date(1822, 6, 22)])))))
    assert book["data"]["A2"].value == "1822-06-22"


@pytest.mark.parametrize("write", [export.csv_pieces, export.json_pieces, export.ndjson_pieces, export.xlsx_pieces])
def test_a_table_without_rows_can_be_downloaded(tmp_path: Path, write: object) -> None:
    path = tmp_path / "empty.parquet"
    pq.write_table(TABLE.slice(0, 0), path)
    content = b"".join(write(path))  # type: ignore[operator]
    assert content in (b"", b"[\n]\n") or b"bin" in content or content.startswith(b"PK")


def test_a_table_of_many_batches_comes_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    pq.write_table(pa.table({"x": range(25_000)}), path)
    lines = b"".join(export.csv_pieces(path, raw=True)).decode().split()
    assert lines == ['"x"', *map(str, range(25_000))]


def test_a_sheet_that_cannot_hold_the_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "XLSX_ROWS", 1)
    with pytest.raises(export.TooManyRows):
        list(export.xlsx_pieces(written(tmp_path, x=[1, 2])))
