"""What can be wrong with a delivery beside its own rows, told in the same report as what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from ckanext.kzopen.publishing.listings import LISTED
from ckanext.kzopen.validation.check import Checked
from ckanext.kzopen.validation.lengths import LONGEST, looked_up, too_long
from ckanext.kzopen.validation.report import Finding, Report

NUL = re.compile(b"\0")
QUOTED = 60
"""Letters of a long value that its finding quotes."""


def keys_taken(checked: Checked, sent: pa.Table, key: list[str], clashes: tuple[int, ...]) -> Report:
    """The report of an `append` whose keys are in the table already; rows are counted as in the file, header included."""

    def every() -> Iterator[Finding]:
        for start in range(0, len(clashes), LISTED):
            places = clashes[start : start + LISTED]
            for place, row in zip(places, sent.select(key).take(pa.array(places, pa.int64())).to_pylist(), strict=True):
                yield Finding(
                    code="primary-key",
                    message="the key is in the published table already",
                    reason="published",
                    row=checked.row(place),
                    field=", ".join(key),
                    cell=", ".join(str(value) for value in row.values()),
                )

    return _report(checked.report, "primary-key", clashes, every)


def _report(checked: Report, code: str, found: Sequence[object], every: Callable[[], Iterator[Finding]]) -> Report:
    return Report(checked.rows, {code: len(found)}, tuple(islice(every(), LISTED)), checked.reading, every=every)


def other_columns(checked: Report) -> Report:
    """The report of rows for a table whose published version has other columns: it has to be replaced as a whole."""
    finding = Finding(code="schema-error", message="the published version has other columns", reason="other-columns")
    return Report(checked.rows, {"schema-error": 1}, (finding,), checked.reading)


def emptied(checked: Report, before: int) -> Report:
    """The report of a replacement without rows for a table that has some."""
    finding = Finding(code="row-count", message="the table would be emptied", reason="emptied", params={"before": str(before)})
    return Report(checked.rows, {"row-count": 1}, (finding,), checked.reading)


def unfit_for_schema(checked: Report, table: pa.Table, schema: Mapping[str, Any]) -> Report | None:
    """The report of rows for a table whose passport got another key, or other columns that are looked up, since it was
    published: the rows that are there may not have it. None when they do."""
    findings = [
        Finding(
            code="schema-error",
            message="published values are too long for an index",
            reason="published-too-long",
            field=", ".join(names),
            params={"count": str(len(found)), "limit": str(LONGEST)},
        )
        for names in looked_up(schema)
        if (found := too_long(table, names))
    ]
    key = list(schema.get("primaryKey") or [])
    if key and (repeated := table.num_rows - table.select(key).group_by(key).aggregate([]).num_rows):
        findings.append(_repeats(key, repeated))
    return Report(checked.rows, {"schema-error": len(findings)}, tuple(findings), checked.reading) if findings else None


def _repeats(key: Sequence[str], times: int) -> Finding:
    return Finding(
        code="schema-error",
        message="the key repeats in published rows",
        reason="published-repeats",
        field=", ".join(key),
        params={"count": str(times)},
    )


def unstorable(checked: Checked, table: pa.Table, keys: Sequence[Sequence[str]]) -> Report | None:
    """The report of cells that hold U+0000, which PostgreSQL cannot keep in a text, and of `keys`, the columns of each index,
    that are too long for it; None when there are none."""
    texts = [field.name for field in table.schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    places = [(place, name, 0) for name in texts for place in _with_nul(table[name])]
    places += [(place, ", ".join(key), size) for key in keys for place, size in too_long(table, key).items()]
    if not places:
        return None
    places.sort()
    of_key = {", ".join(key): key for key in keys}

    def every() -> Iterator[Finding]:
        for place, name, size in places:
            row = checked.row(place)
            yield _too_long(row, table.slice(place, 1).select(of_key[name]), size) if size else _nul(row, name)

    return _report(checked.report, "cell-error", places, every)


def not_kept(checked: Report, error: Exception) -> Report:
    """The report of a table that PostgreSQL refuses, in its own words."""
    note = str(error).partition("\n")[0]
    finding = Finding(code="source-error", message=note, note=note, reason="not-kept", params={"note": note})
    return Report(checked.rows, {"source-error": 1}, (finding,), checked.reading)


def _nul(row: int, name: str) -> Finding:
    return Finding(code="cell-error", message="the cell holds U+0000", reason="nul", row=row, field=name)


def _too_long(row: int, values: pa.Table, size: int) -> Finding:
    told = ", ".join(str(column[0]) for column in values.columns)
    return Finding(
        code="cell-error",
        message="the value is too long for an index",
        reason="long-key",
        row=row,
        field=", ".join(values.column_names),
        cell=told if len(told) <= QUOTED else f"{told[:QUOTED]}…",
        params={"size": str(size), "limit": str(LONGEST)},
    )


def _with_nul(column: pa.ChunkedArray) -> list[int]:
    # Looking through the bytes of a column is ten times faster than through its texts.
    if not any(NUL.search(buffer) for chunk in column.chunks for buffer in chunk.buffers()[2:] if buffer):
        return []
    found: list[int] = pc.indices_nonzero(pc.match_substring(column, "\0").fill_null(False)).to_pylist()
    return found
