"""Brings a table of agencies to the portal: what it would do, then doing it a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ckanext.kzopen.runtime.demo.api import Api

Row = dict[str, Any]
PART = 50
"""Rows in one request: a few seconds of work for the portal."""


def preview(api: Api, rows: Sequence[Row]) -> list[Row]:
    """What each row would do, or why it cannot be taken; agencies above before those below. Raises Refused."""
    told: list[Row] = api.action("agency_import", rows=list(rows))
    return told


def carry_out(api: Api, rows: Sequence[Row], steps: Sequence[Row], advance: Callable[[Row], None]) -> list[Row]:
    """Do what `preview` has told, in its order; `advance` hears of every row. Rows with an error are left out."""
    by_number = {row["row"]: row for row in rows}
    work = [placed(by_number[step["row"]], step) for step in steps if step["does"] and not step["error"]]
    idle = [step for step in steps if not step["does"] or step["error"]]
    done: list[Row] = []
    for start in range(0, len(work), PART):
        done += api.action("agency_import", rows=work[start : start + PART], commit=True)
        for step in done[start:]:
            advance(step)
    for step in idle:
        advance(step)
    return [*done, *idle]


def placed(row: Row, step: Row) -> Row:
    """The row with the addresses that the preview has found: a part does not know the other parts' names."""
    return row | {"address": step["address"]} | ({"parent": step["parent"]} if step["parent"] else {})
