"""A table of ten typed columns as an agency might send it: right but for what the bench puts in by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

REGIONS = [
    "Абай облысы", "Ақмола облысы", "Ақтөбе облысы", "Алматы облысы", "Атырау облысы", "Батыс Қазақстан облысы",
    "Жамбыл облысы", "Жетісу облысы", "Қарағанды облысы", "Қостанай облысы", "Қызылорда облысы", "Маңғыстау облысы",
    "Павлодар облысы", "Солтүстік Қазақстан облысы", "Түркістан облысы", "Ұлытау облысы", "Шығыс Қазақстан облысы",
    "Астана қаласы", "Алматы қаласы", "Шымкент қаласы",
]  # fmt: skip
STATES = ["қабылданды", "қаралуда", "орындалды", "кері қайтарылды"]
SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "minimum": 1}},
        {"name": "code", "type": "string", "constraints": {"required": True, "unique": True, "pattern": r"KZ-\d{8}"}},
        {"name": "bin", "type": "string", "constraints": {"pattern": r"\d{12}"}},
        {"name": "region", "type": "string", "constraints": {"enum": REGIONS}},
        {"name": "name", "type": "string", "constraints": {"maxLength": 120}},
        {"name": "received", "type": "datetime", "format": "%Y-%m-%d %H:%M:%S"},
        {"name": "day", "type": "date"},
        {"name": "amount", "type": "number", "constraints": {"minimum": 0}},
        {"name": "share", "type": "number", "constraints": {"minimum": 0, "maximum": 100}},
        {"name": "state", "type": "string", "constraints": {"enum": STATES, "required": True}},
    ],
    "primaryKey": ["id"],
}
START = datetime(2020, 1, 1)


def frame(rows: int) -> pl.DataFrame:
    """The table with values of each kind, no two keys or codes alike."""
    n = pl.int_range(rows, eager=True)
    moment = pl.Series([START]).repeat_by(1).explode()[0]
    days = [(date(2020, 1, 1) + timedelta(days=day)).isoformat() for day in range(2000)]
    return pl.DataFrame(
        {
            "id": n + 1,
            "code": "KZ-" + (n * 7919 % 100_000_000).cast(pl.String).str.zfill(8),
            "bin": (n * 48_271 % 10**12).cast(pl.String).str.zfill(12),
            "region": pl.Series(REGIONS).gather(n % len(REGIONS)),
            "name": "«Шаруа қожалығы № " + (n % 50_000).cast(pl.String) + "» ЖШС",
            "received": pl.select(moment + pl.duration(seconds=pl.lit(n * 61))).to_series().dt.strftime("%Y-%m-%d %H:%M:%S"),
            "day": pl.Series(days).gather(n % len(days)),
            "amount": (n * 104_729 % 900_000_000).cast(pl.Float64) / 100,
            "share": (n % 10_001).cast(pl.Float64) / 100,
            "state": pl.Series(STATES).gather(n % len(STATES)),
        }
    )


def write_csv(path: Path, rows: int) -> Path:
    """The table as CSV with faults of every kind, the more of them the longer it is: a wrong cell of each type, values out of
    bounds, codes and keys that repeat, rows too short and too long, a blank one. One row in a thousand is wrong."""
    table = frame(rows)
    table.write_csv(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    for place, row in enumerate(range(500, rows, 1000)):
        lines[row] = FAULTS[place % len(FAULTS)](lines[row].split(","), lines)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _with(column: int, text: str) -> Any:
    return lambda cells, lines: ",".join([*cells[:column], text, *cells[column + 1 :]])


FAULTS = (
    _with(0, "oops"),
    _with(2, "140000012"),
    _with(3, "Алма-Ата"),
    _with(5, "31.01.2026 14:30"),
    _with(6, "2026-02-30"),
    _with(7, "1 250,75"),
    _with(8, "100.01"),
    _with(9, ""),
    lambda cells, lines: ",".join([cells[0], lines[1].split(",")[1], *cells[2:]]),
    lambda cells, lines: ",".join([lines[2].split(",")[0], *cells[1:]]),
    lambda cells, lines: ",".join(cells[:7]),
    lambda cells, lines: ",".join([*cells, "артық"]),
    lambda cells, lines: "," * (len(cells) - 1),
)


def write_xlsx(path: Path, rows: int) -> Path:
    """The same table as a workbook, dates as dates and numbers as numbers; one row in a thousand is wrong, as in the CSV, but
    none is ragged, which a sheet cannot be."""
    table = frame(rows).with_columns(
        pl.col("received").str.to_datetime("%Y-%m-%d %H:%M:%S"), pl.col("day").str.to_date("%Y-%m-%d")
    )
    options = {"constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("Кесте")
        formats = {
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        sheet.write_row(0, 0, table.columns)
        for number, cells in enumerate(table.iter_rows(), 1):
            for column, value in enumerate(_faulty(number, list(cells), table)):
                sheet.write(number, column, value, formats.get(type(value)))
    return path


def _faulty(number: int, cells: list[Any], table: pl.DataFrame) -> list[Any]:
    """The cells of row `number` (from 1), or wrong ones where it is the turn of a row to be wrong."""
    place, rest = divmod(number - 500, 1000)
    if rest or place < 0:
        return cells
    for column, value in CELLS[place % len(CELLS)].items():
        cells[column] = table.row(value[0])[column] if isinstance(value, list) else value
    return cells


CELLS: tuple[dict[int, Any], ...] = (
    {0: "oops"},
    {2: "140000012"},
    {3: "Алма-Ата"},
    {5: "31.01.2026 14:30"},
    {6: "2026-02-30"},
    {7: "1 250,75"},
    {8: 100.01},
    {9: None},
    {1: [0]},
    {0: [1]},
    {0: 1.5, 8: -1},
)
"""Wrong cells by their column; a list names the row, from 0, whose cell comes a second time."""
