"""Real files, good and bad: read as their authors expect, or refused; never a trace, never a table of wrong shape."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ckanext.kzopen.validation.cells import Cells, Unreadable
from ckanext.kzopen.validation.reading import read


def rows(cells: Cells) -> list[tuple[object, ...]]:
    lists = [column.to_list() if isinstance(column, pl.Series) else column for column in cells.columns]
    return list(zip(*lists, strict=True))


def comparable(row: dict[str, Any]) -> dict[str, str]:
    """The authors' own two files differ in a telephone number, and git has changed CRLF to LF in one of them."""
    return {key.strip(): text.replace("\r\n", "\n") for key, text in row.items() if key.strip() != "Contact Phone Number"}


@pytest.mark.corpus
def test_the_spectrum_of_csv_is_read_as_its_authors_expect(corpus: Path) -> None:
    folder = corpus / "files_bad" / "csv-spectrum"
    for file in sorted(folder.glob("*.csv")):
        expected = json.loads((folder / f"expected_{file.stem}.json").read_text(encoding="utf-8"))
        wanted = expected if isinstance(expected, list) else [expected]
        cells = read(file)
        found = [dict(zip(cells.labels, row, strict=True)) for row in rows(cells)]
        assert [comparable(row) for row in found] == [comparable(row) for row in wanted], file.name


REFUSED = {
    "badcolspan.html",
    "characters.csv",
    "empty.csv",
    "encrypted_no_password.xls",
    "expected_location_coordinates.json",
    "invisible_text.html",
    "jungle_gla-december_2009.csv",
    "libreoffice.xlsx",
    "non-text.csv",
    "package-invalid.zip",
    "polling_locations.shapefile.zip",
    "rowcolspan.html",
    "simple.unknown",
    "table-infer-iso-8859-7.csv",
    "table-multiple-files.zip",
    "wide.csv",
}


@pytest.mark.corpus
def test_every_bad_file_is_read_or_refused_without_a_trace(corpus: Path) -> None:
    refused: set[str] = set()
    for file in sorted((corpus / "files_bad").rglob("*")):
        if file.is_file():
            try:
                cells = read(file)
            except Unreadable:
                refused.add(file.name)
            else:
                assert len(cells.columns) == len(cells.labels) > 0, file.name
                assert all(len(column) == cells.rows for column in cells.columns), file.name
    assert refused == REFUSED


@pytest.mark.corpus
def test_the_kazakh_register_in_windows_1251_is_read(corpus: Path) -> None:
    cells = read(corpus / "files_bad" / "kz" / "federations_data_cp1251.csv")
    text = (corpus / "files_bad" / "kz" / "federations_data_cp1251.csv").read_bytes().decode("cp1251")
    assert cells.reading.encoding == "cp1251"
    assert [list(row) for row in rows(cells)] == list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[2:]
