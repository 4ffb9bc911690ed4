"""Types and names guessed from cells: codes stay text, and every name fits a column."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from ckanext.kzopen.runtime.demo.inference import NotATable, column_names, language_of, schema_of, type_of
from ckanext.kzopen.runtime.demo.preparing import prepared


@pytest.mark.parametrize(
    ("label", "cells", "expected"),
    [
        ("rows", ["1", "-20", "", "-"], {"type": "integer"}),
        ("share", ["0.5", "3", "1e5"], {"type": "number"}),
        ("telephone", ["007", "12"], {"type": "string"}),
        ("БИН", ["111040004730", "1"], {"type": "string"}),
        ("bin_iin", ["5"], {"type": "string"}),
        ("robin", ["5"], {"type": "integer"}),
        ("number", ["111040004730", "100840013328"], {"type": "string"}),
        ("day", ["2026-01-31", "2026-02-01"], {"type": "date"}),
        ("day", ["31.01.2026"], {"type": "date", "format": "%d.%m.%Y"}),
        ("time", ["2020-03-26T15:03:56.619Z"], {"type": "datetime"}),
        ("time", ["31.01.2026 10:00:00"], {"type": "datetime", "format": "%d.%m.%Y %H:%M:%S"}),
        ("flag", ["true", "false"], {"type": "boolean"}),
        ("mixed", ["1", "one"], {"type": "string"}),
        ("empty", ["", "-"], {"type": "string"}),
    ],
)
def test_a_column_gets_the_narrowest_type_that_holds_every_cell(label: str, cells: list[str], expected: dict[str, str]):
    assert type_of(label, pl.Series(cells, dtype=pl.String)) == expected


def test_names_are_latin_short_and_all_different():
    names = column_names(["Атауы", "Атауы", "", "a-b", "Қ" * 90])
    assert names[:4] == ["atauy", "atauy_2", "column_3", "a_b"]
    assert max(len(name.encode()) for name in names) <= 60


@pytest.mark.parametrize(("label", "language"), [("Өңір", "kk"), ("Регион", "ru"), ("Region", "en")])
def test_the_language_of_a_label_is_told_by_its_letters(label: str, language: str):
    assert language_of(label) == language


def test_the_label_of_the_file_stays_as_the_title(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("Өңір;Жылы\nАбай;2024\nАқмола;2025\n", encoding="utf-8")
    assert schema_of(file)["fields"] == [
        {"name": "onir", "type": "string", "title": "Өңір", "title_translated": {"kk": "Өңір"}},
        {"name": "zhyly", "type": "integer", "title": "Жылы", "title_translated": {"ru": "Жылы"}},
    ]


def test_a_file_that_is_no_table_is_refused_with_a_sentence(tmp_path: Path):
    file = tmp_path / "a.json"
    file.write_text("[1, 2]")
    with pytest.raises(NotATable, match="is not an object"):
        schema_of(file)


def test_rows_that_the_check_would_refuse_make_the_file_no_table(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n,\n3,4\n")
    with pytest.raises(NotATable, match="Row 3 is completely blank"):
        schema_of(file)


def test_a_hint_drops_rows_and_names_columns(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text(",2024,2025\nАбай,1,2\n,,\nАқмола,2,3\n", encoding="utf-8")
    assert prepared(file, {"labels": {1: "Өңір"}, "drop_rows": [3]}).decode() == "Өңір,2024,2025\nАбай,1,2\nАқмола,2,3\n"


def test_a_hint_gives_a_header_to_a_file_without_one(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_text("1;Семей\n2;Шар\n", encoding="utf-8")
    assert prepared(file, {"header": ["Код", "Название"]}).decode() == "Код,Название\n1,Семей\n2,Шар\n"
