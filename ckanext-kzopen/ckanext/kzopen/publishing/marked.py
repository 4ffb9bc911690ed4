"""The rows of a report as the staff's page shows them: in each cell what is wrong in it, below what is wrong with the row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One cell; `wrong` tells that a sentence below the row is about it."""

    text: str
    wrong: bool


@dataclass(frozen=True)
class Row:
    """One row of the file with the sentences about it."""

    number: int
    cells: Sequence[Cell]
    sentences: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Some rows of a file under their labels."""

    labels: Sequence[str]
    rows: Sequence[Row]


def table_of(report: Mapping[str, Any] | None, findings: Sequence[Mapping[str, Any]]) -> Table | None:
    """The rows that a stored report shows, with the findings that a page of it lists; None when it shows none."""
    shown = (report or {}).get("shown")
    if not shown or not shown["rows"]:
        return None
    places = {name: n for n, name in enumerate(shown["fields"])}
    by_row: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for finding in findings:
        if finding["row"] is not None:
            by_row[finding["row"]].append(finding)
    rows = [_row(number, cells, by_row[number], places) for number, cells in shown["rows"] if by_row[number] or not findings]
    return Table(shown["labels"], rows) if rows else None


def _row(number: int, cells: Sequence[str], findings: Sequence[Mapping[str, Any]], places: Mapping[str, int]) -> Row:
    wrong = {_place(finding, places) for finding in findings}
    every = any(finding["code"] in ("primary-key", "blank-row") for finding in findings)
    marked = [Cell(text, every or n in wrong) for n, text in enumerate(cells)]
    return Row(number, marked, list(dict.fromkeys(finding["sentence"] for finding in findings)))


def _place(finding: Mapping[str, Any], places: Mapping[str, int]) -> int | None:
    if finding.get("field") in places:
        return places[finding["field"]]
    number = finding.get("field_number")
    return number - 1 if number else None
