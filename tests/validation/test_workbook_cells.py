"""Workbooks of the corpus: the cells that our reader gives are those that other readers give."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.validation.cells import Cells, Unreadable
from ckanext.kzopen.validation.reading import read
from python_calamine import CalamineWorkbook

from tests.validation.other_readers import Place, Sheet, comparable, sheet_of

WORKBOOKS = ("xlsx", "xlsm", "xls", "ods")
UNREADABLE = {"encrypted_no_password.xls", "libreoffice.xlsx"}
"""Those that our reader refuses: one is encrypted, the other is empty."""
NO_WORKBOOK = {"hmt_invalid_excel.xlsx"}
"""A page of HTML under a false name, which is read as what it is."""
DISAGREEING = {("ods_formats.ods", 5, 2): ("PT27H17M54S", timedelta(hours=27, minutes=17, seconds=54))}
"""A length of time of more than a day is text to our reader, so a column of times of the day refuses it."""


def of_ours(path: Path, cells: Cells) -> Sheet:
    """The filled cells below the header."""
    with CalamineWorkbook.from_path(path) as book:
        start = book.get_sheet_by_name(str(cells.reading.sheet)).start
    assert start is not None
    found: dict[Place, Any] = {}
    for column, values in enumerate(cells.columns, start=start[1] + 1):
        for row, value in zip(cells.numbers.to_list(), list(values), strict=True):
            if (told := comparable(value)) is not None:
                found[row, column] = told
    return found


def differing(path: Path, cells: Cells) -> dict[Place, tuple[Any, Any]]:
    """The cells below the header of which our reader and the other one think differently: ours, the other's."""
    ours = of_ours(path, cells)
    others = sheet_of(path, cells.reading.format, str(cells.reading.sheet))
    below = {place for place in others if place[0] > cells.reading.header_row}
    pairs = {place: (ours.get(place), others.get(place)) for place in sorted(ours.keys() | below)}
    return {place: pair for place, pair in pairs.items() if not _alike(*pair)}


def _alike(ours: Any, other: Any) -> bool:
    if isinstance(ours, float) and isinstance(other, float):
        return ours == pytest.approx(other, rel=1e-14)
    return bool(ours == other)


@pytest.mark.corpus
def test_all_cells_of_workbooks_are_as_other_readers_read_them(corpus: Path) -> None:
    files = sorted(file for file in (corpus / "files_bad").rglob("*") if file.suffix.lower().strip(".") in WORKBOOKS)
    refused, others, found = set(), set(), {}
    for file in files:
        try:
            cells = read(file)
        except Unreadable:
            refused.add(file.name)
            continue
        if cells.reading.format in ("xlsx", "xls", "ods"):
            found |= {(file.name, *place): pair for place, pair in differing(file, cells).items()}
        else:
            others.add(file.name)
    assert (refused, others) == (UNREADABLE, NO_WORKBOOK)
    assert found == DISAGREEING
    assert len(files) == 30
