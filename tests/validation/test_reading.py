"""From bytes to cells: by content, whatever the name says; what is no table is refused with its reason."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ckanext.kzopen.validation.cells import Cells, Limits, Unreadable, normal
from ckanext.kzopen.validation.reading import read

Write = Callable[[bytes | str], Path]
CSV = "id,name\n1,Абай\n2,Жетісу\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put bytes into a file whose name tells nothing."""

    def written(content: bytes | str) -> Path:
        path = tmp_path / "delivery.bin"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def rows(cells: Cells) -> list[tuple[object, ...]]:
    lists = [column.to_list() if isinstance(column, pl.Series) else column for column in cells.columns]
    return list(zip(*lists, strict=True))


def workbook(*rows: list[Any], sheet: str = "Кесте", **more: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    for name, cells in more.items():
        page = book.create_sheet(name)
        for row in cells:
            page.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def zipped(**files: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def refusal(path: Path, **more: Any) -> tuple[str, str]:
    with pytest.raises(Unreadable) as caught:
        read(path, **more)
    return caught.value.code, caught.value.reason


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CSV, "csv"),
        (CSV.replace(",", ";"), "csv"),
        (CSV.replace(",", "\t"), "csv"),
        (CSV.replace(",", "|"), "csv"),
        (CSV.replace("\n", "\r\n"), "csv"),
        (CSV.replace("\n", "\r"), "csv"),
        (CSV.encode("utf-8-sig"), "csv"),
        (CSV.encode("utf-16"), "csv"),
        (CSV.encode("utf-16-le"), "csv"),
        (CSV.encode("utf-16-be"), "csv"),
        (CSV.encode("utf-32"), "csv"),
        (CSV.encode("kz1048"), "csv"),
        (gzip.compress(CSV.encode()), "csv"),
        (zipped(**{"table.csv": CSV}), "csv"),
        ('[{"id": "1", "name": "Абай"}, {"id": "2", "name": "Жетісу"}]', "json"),
        ('{"data": [{"id": "1", "name": "Абай"}, {"id": "2", "name": "Жетісу"}]}', "json"),
        ('[["id", "name"], ["1", "Абай"], ["2", "Жетісу"]]', "json"),
        ('{"id": "1", "name": "Абай"}\n{"id": "2", "name": "Жетісу"}\n', "ndjson"),
        (workbook(["id", "name"], ["1", "Абай"], ["2", "Жетісу"]), "xlsx"),
    ],
)
def test_one_table_in_many_forms(write: Write, content: bytes | str, kind: str) -> None:
    cells = read(write(content))
    assert cells.reading.format == kind
    assert list(cells.labels) == ["id", "name"]
    assert rows(cells) == [("1", "Абай"), ("2", "Жетісу")]
    assert cells.numbers.to_list() == [2, 3]


def test_a_line_of_json_ends_where_its_line_does(write: Write) -> None:
    """Python's own idea of a line ends at U+0085 and U+2028 too, which may stand inside a text."""
    told = "one\u2028two\u0085three"
    cells = read(write(json.dumps({"id": "1", "name": told}, ensure_ascii=False) + '\r\n{"id": "2", "name": "x"}\n'))
    assert rows(cells) == [("1", told), ("2", "x")]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("атауы;ауданы\nЖетісу;Көксу\n", "kz1048"),
        ("атауы;ауданы\nЖетісу;Көксу\n", "ptcp154"),
        ("наименование;область\nВодоканал;Карагандинская\n", "cp1251"),
        ("НАИМЕНОВАНИЕ;ОБЛАСТЬ\nВОДОКАНАЛ;КАРАГАНДИНСКАЯ\n", "cp866"),
        ("name;ville\nLibellé;Besançon\n", "cp1252"),
    ],
)
def test_old_encodings_are_told_by_their_letters(write: Write, text: str, encoding: str) -> None:
    cells = read(write(text.encode(encoding)))
    assert cells.reading.encoding == encoding
    assert [*cells.labels, *rows(cells)[0]] == text.replace("\n", ";").strip(";").split(";")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ("source-error", "empty")),
        (b" \n \n", ("source-error", "empty")),
        (b"[]", ("source-error", "empty")),
        (b"%PDF-1.7 ...", ("format-error", "pdf")),
        (b"\x89PNG\r\n\x1a\n", ("format-error", "picture")),
        (b"<!DOCTYPE html><table></table>", ("format-error", "markup")),
        (b"<?xml version='1.0'?><a/>", ("format-error", "markup")),
        (b"id,name\n1,\x00\x01\x02\x03\n", ("format-error", "binary")),
        (b"PK\x03\x04 not really", ("compression-error", "damaged")),
        (gzip.compress(CSV.encode())[:-12], ("compression-error", "damaged")),
        (zipped(**{"a.csv": CSV, "b.csv": CSV}), ("compression-error", "several-files")),
        (zipped(), ("format-error", "empty")),
        (zipped(**{"word/document.xml": "<a/>"}), ("format-error", "document")),
        (gzip.compress(gzip.compress(CSV.encode())), ("compression-error", "nested")),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no workbook", ("format-error", "damaged")),
        (b"PAR1 no parquet", ("format-error", "damaged")),
        (b'[{"a": 1}, 2]', ("source-error", "not-an-object")),
        (b'[["a"], {"a": 1}]', ("source-error", "not-an-array")),
        (b'[{"a": NaN}]', ("format-error", "damaged")),
        (b'{"a": 1}\n{"a": ', ("format-error", "damaged")),
        (b'{\n "a": 1\n}', ("source-error", "not-a-table")),
        (b"[" * 100_000 + b"]" * 100_000, ("format-error", "too-deep")),
        ("id;атауы\n1;Көксу\n".encode() + b"2;\xd0\n", ("encoding-error", "broken")),
        ("id,name\n1,Λεωνιδας\n2,Μυρων\n".encode("iso8859-7"), ("encoding-error", "unknown")),
        (b"\xff\xfei\x00d\x00\n", ("encoding-error", "broken")),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(write: Write, content: bytes, reason: tuple[str, str]) -> None:
    assert refusal(write(content)) == reason


def test_a_gzip_bomb_is_stopped_at_the_limit(write: Write) -> None:
    bomb = gzip.compress(b"a,b\n" * 5_000_000)
    assert len(bomb) < 100_000
    assert refusal(write(bomb), limits=Limits(unpacked=1_000_000)) == ("compression-error", "too-large")


def test_a_zip_that_lies_about_its_size_is_stopped_too(write: Write) -> None:
    content = bytearray(zipped(**{"t.csv": "a,b\n" * 1_000_000}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (1_000).to_bytes(4, "little")
    code, _reason = refusal(write(bytes(content)), limits=Limits(unpacked=100_000))
    assert code in ("compression-error", "format-error")


def test_a_workbook_that_unpacks_too_far_is_refused(write: Write) -> None:
    content = workbook(["a"], *[["x" * 100] for _ in range(2_000)])
    assert refusal(write(content), limits=Limits(unpacked=10_000)) == ("compression-error", "too-large")


def test_a_file_above_the_limit_is_refused_unread(write: Write) -> None:
    assert refusal(write(CSV), limits=Limits(size=10)) == ("byte-count", "too-large")


@pytest.mark.parametrize(
    "content", [",".join(f"c{n}" for n in range(2001)) + "\n", json.dumps([{f"c{n}": 1 for n in range(2001)}])]
)
def test_more_than_two_thousand_columns_are_refused(write: Write, content: str) -> None:
    assert refusal(write(content)) == ("table-dimensions", "too-many-columns")


def test_a_huge_cell_is_read(write: Write) -> None:
    cells = read(write(f'id,text\n1,"{"ә" * 500_000}"\n'))
    assert len(rows(cells)[0][1]) == 500_000


def test_titles_above_the_header_are_skipped_and_rows_keep_their_numbers(write: Write) -> None:
    cells = read(write('"Есеп, 2024 жыл",,\n,,\nid,name,sum\n1,а,2\n2,б,3\n'))
    assert list(cells.labels) == ["id", "name", "sum"]
    assert cells.reading.header_row == 3
    assert cells.numbers.to_list() == [4, 5]


def test_the_header_of_the_schema_is_found_even_below_a_fuller_row(write: Write) -> None:
    cells = read(write("1,2,3\nid,name,\n7,а,\n"), [normal("id"), normal("name")])
    assert cells.reading.header_row == 2


def test_rows_that_are_too_short_or_too_long_keep_all_their_cells(write: Write) -> None:
    cells = read(write("a,b\n1\n2,3\n4,5,6\n\n"))
    assert cells.ragged == {2: ["1"], 4: ["4", "5", "6"], 5: []}
    assert rows(cells) == [("1", None), ("2", "3"), ("4", "5"), (None, None)]


def test_the_sheet_of_the_schema_is_chosen(write: Write) -> None:
    content = workbook(["Нұсқаулық"], ["Толтырыңыз"], деректер=[["id", "name"], ["1", "а"]])
    assert read(write(content), [normal("id"), normal("name")]).reading.sheet == "деректер"


def test_the_first_sheet_with_data_is_chosen_without_a_schema(write: Write) -> None:
    content = workbook(second=[["id", "name"], ["1", "а"]])
    assert read(write(content)).reading.sheet == "second"


def test_numbers_dates_and_years_of_a_workbook_keep_their_kind(write: Write) -> None:
    content = workbook(["күні", 2024, "сан"], [datetime(2024, 1, 31), 1.5, 7], [datetime(2024, 1, 31, 9, 30), None, True])
    cells = read(write(content))
    assert list(cells.labels) == ["күні", "2024", "сан"]
    assert rows(cells) == [(date(2024, 1, 31), 1.5, 7.0), (datetime(2024, 1, 31, 9, 30), None, True)] or rows(cells) == [
        (datetime(2024, 1, 31), 1.5, 7.0),
        (datetime(2024, 1, 31, 9, 30), None, True),
    ]


def test_blank_rows_and_columns_at_the_edges_of_a_sheet_are_formatting(write: Write) -> None:
    content = workbook([None, None, None], ["id", "name", None], ["1", "а", None], [None, None, None], [None, None, ""])
    cells = read(write(content))
    assert list(cells.labels) == ["id", "name"]
    assert (cells.reading.header_row, rows(cells)) == (2, [("1", "а")])


def test_objects_may_have_keys_in_any_order_and_lack_some(write: Write) -> None:
    cells = read(write('[{"b": 1, "a": "x"}, {"a": null, "c": 1.10}]'))
    assert list(cells.labels) == ["b", "a", "c"]
    assert rows(cells) == [(1, "x", None), (None, None, Decimal("1.10"))]


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "t"
    pq.write_table(pa.table({"id": [1, None], "day": pa.array([date(2024, 1, 31), None])}), path)
    assert rows(read(path)) == [(1, date(2024, 1, 31)), (None, None)]


def test_a_csv_whose_first_label_begins_with_a_bracket_is_no_json(write: Write) -> None:
    assert list(read(write("[id],name\n1,а\n")).labels) == ["[id]", "name"]
