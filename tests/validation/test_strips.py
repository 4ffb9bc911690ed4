"""A long column is looked at strip by strip: what is found in it does not depend on where the strips end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.validation import distinct
from ckanext.kzopen.validation.check import check_file

ROWS = 400
FIELDS: list[dict[str, Any]] = [
    {"name": "n", "type": "integer", "constraints": {"unique": True}},
    {"name": "bin", "type": "string", "constraints": {"pattern": r"\d{12}", "required": True}},
    {"name": "amount", "type": "number", "constraints": {"minimum": 0}},
    {"name": "day", "type": "date"},
    {"name": "moment", "type": "datetime"},
    {"name": "paid", "type": "boolean"},
    {"name": "note", "type": "string"},
]


def row(n: int) -> list[str]:
    """Right and wrong cells in turn; amounts beyond a float's digits and moments with an offset come late in the file."""
    amount = f"{n},5" if n % 3 else "9" * 25 if n > 300 else f"-{n}" if n % 5 == 0 else str(n)
    moment = f"2026-01-31T14:30:{n % 60:02d}" + ("+05:00" if n == 390 else "")
    day = f"{n % 28 + 1:02d}.01.2026" if n % 2 else f"2026-01-{n % 28 + 1:02d}"
    code = "" if n == 250 else f"{n % 7:011d}" if n % 4 else f"{n:012d}"
    return [str(n % 390), code, amount, day, moment, ("иә", "жоқ", "true")[n % 3], f" Aлматы {n % 350}" if n % 6 == 0 else "—"]


@pytest.mark.parametrize("wide", [40, 64, 399])
def test_a_table_in_strips_is_judged_like_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wide: int) -> None:
    path = tmp_path / "rows.csv"
    lines = [";".join(row(n)) for n in range(ROWS)]
    path.write_text("\n".join([";".join(field["name"] for field in FIELDS), *lines]), encoding="utf-8")
    schema = {"fields": FIELDS}

    whole = check_file(path, schema, suggest=True, limit=10_000)
    monkeypatch.setattr(distinct, "STRIP", wide)
    strips = check_file(path, schema, suggest=True, limit=10_000)

    assert whole.report.counts.keys() == {"type-error", "constraint-error", "unique-error"}
    kinds = {(repair.kind, repair.field) for repair in whole.report.repairs}
    assert kinds >= {("number", "amount"), ("date", "day"), ("yes-no", "paid"), ("letters", "note"), ("short-codes", "bin")}
    assert strips.report == whole.report
    accepted = {repair.key for repair in whole.report.repairs}
    mended = check_file(path, schema, suggest=True, accepted=accepted, limit=10_000)
    monkeypatch.undo()
    assert mended.report == check_file(path, schema, suggest=True, accepted=accepted, limit=10_000).report
