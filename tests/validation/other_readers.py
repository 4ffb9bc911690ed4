"""Cells of workbooks as other readers than ours give them: openpyxl, xlrd, and the XML of OpenDocument read plainly."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import xlrd

Place = tuple[int, int]
Sheet = dict[Place, Any]
"""Filled cells by row and column, both from 1."""
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
LENGTH = re.compile(r"PT(\d+)H(\d+)M(\d+(?:\.\d+)?)S")
FIRST = datetime(1899, 12, 30)


def sheet_of(path: Path, kind: str, name: str) -> Sheet:
    """The filled cells of one sheet, comparable."""
    cells = {"xlsx": _by_openpyxl, "xls": _by_xlrd, "ods": _by_xml}[kind](path, name)
    return {place: value for place, value in ((place, comparable(value)) for place, value in cells) if value is not None}


def comparable(value: Any) -> Any:
    """A value as all readers agree on it: days are midnights, lengths of time and times of the day seconds, numbers floats."""
    match value:
        case None | "":
            return None
        case bool() | str():
            return value
        case int() | float():
            return float(value)
        case datetime():
            return _to_seconds(value)
        case date():
            return datetime.combine(value, time())
        case time():
            return timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
        case timedelta():
            return timedelta(seconds=round(value.total_seconds()))
    raise TypeError(type(value))


def _to_seconds(moment: datetime) -> datetime:
    return FIRST + timedelta(seconds=round((moment - FIRST).total_seconds()))


def _by_openpyxl(path: Path, name: str) -> Iterator[tuple[Place, Any]]:
    sheet = openpyxl.load_workbook(path, data_only=True)[name]
    for row in sheet.iter_rows():
        for cell in row:
            yield (cell.row, cell.column), cell.value


def _by_xlrd(path: Path, name: str) -> Iterator[tuple[Place, Any]]:
    book = xlrd.open_workbook(path)
    sheet = book.sheet_by_name(name)
    for row in range(sheet.nrows):
        for column, cell in enumerate(sheet.row(row), start=1):
            yield (row + 1, column), _of_xls(cell, book.datemode)


def _of_xls(cell: Any, datemode: int) -> Any:
    match cell.ctype:
        case xlrd.XL_CELL_DATE if cell.value < 1:
            return timedelta(days=cell.value)
        case xlrd.XL_CELL_DATE:
            return xlrd.xldate_as_datetime(cell.value, datemode)
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_ERROR:
            return xlrd.error_text_from_code[cell.value]
    return cell.value


def _by_xml(path: Path, name: str) -> Iterator[tuple[Place, Any]]:
    with zipfile.ZipFile(path) as archive:
        content = ElementTree.fromstring(archive.read("content.xml"))  # noqa: S314 - a file of our own corpus
    table = next(found for found in content.iter(f"{TABLE}table") if found.get(f"{TABLE}name") == name)
    number = 1
    for row in table.iter(f"{TABLE}table-row"):
        times = int(row.get(f"{TABLE}number-rows-repeated", 1))
        filled = list(_of_row(row))
        for again in range(times if filled else 0):
            yield from (((number + again, column), value) for column, value in filled)
        number += times


def _of_row(row: ElementTree.Element) -> Iterator[tuple[int, Any]]:
    column = 1
    for cell in row:
        times = int(cell.get(f"{TABLE}number-columns-repeated", 1))
        value = _of_cell(cell)
        if value is not None:
            yield from ((column + again, value) for again in range(times))
        column += times


def _of_cell(cell: ElementTree.Element) -> Any:
    match cell.get(f"{OFFICE}value-type"):
        case "float" | "currency" | "percentage":
            return float(cell.get(f"{OFFICE}value", ""))
        case "boolean":
            return cell.get(f"{OFFICE}boolean-value") == "true"
        case "date":
            return datetime.fromisoformat(cell.get(f"{OFFICE}date-value", ""))
        case "time":
            found = LENGTH.fullmatch(cell.get(f"{OFFICE}time-value", ""))
            assert found is not None
            return timedelta(hours=int(found[1]), minutes=int(found[2]), seconds=float(found[3]))
    return "\n".join(_letters(line) for line in cell.iter(f"{TEXT}p")) or None


def _letters(line: ElementTree.Element) -> str:
    """Several blanks are an element in OpenDocument."""
    told = line.text or ""
    for part in line:
        told += " " * int(part.get(f"{TEXT}c", 1)) if part.tag == f"{TEXT}s" else _letters(part)
        told += part.tail or ""
    return told
