"""What can be wrong with a delivery beside its own rows, told in the same report as what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc
from ckanext.kzopen.publishing.listings import LISTED
from ckanext.kzopen.validation.report import Finding, Report

NUL = re.compile(b"\0")


def keys_taken(checked: Report, sent: pa.Table, key: list[str], clashes: tuple[int, ...]) -> Report:
    """The report of an `append` whose keys are in the table already; rows are counted as in the file, header included."""
    header = checked.reading.header_row if checked.reading else 1

    def every() -> Iterator[Finding]:
        for start in range(0, len(clashes), LISTED):
            places = clashes[start : start + LISTED]
            for place, row in zip(places, sent.select(key).take(pa.array(places, pa.int64())).to_pylist(), strict=True):
                yield Finding(
                    code="primary-key",
                    message="the key is in the published table already",
                    reason="published",
                    row=header + place + 1,
                    field=", ".join(key),
                    cell=", ".join(str(value) for value in row.values()),
                )

    return _report(checked, "primary-key", clashes, every)


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


def unstorable(checked: Report, table: pa.Table) -> Report | None:
    """The report of cells that hold U+0000, which PostgreSQL cannot keep in a text; None when there are none."""
    header = checked.reading.header_row if checked.reading else 1
    texts = [field.name for field in table.schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    places = sorted((place, name) for name in texts for place in _with_nul(table[name]))
    if not places:
        return None

    def every() -> Iterator[Finding]:
        for place, name in places:
            yield Finding(code="cell-error", message="the cell holds U+0000", reason="nul", row=header + place + 1, field=name)

    return _report(checked, "cell-error", places, every)


def _with_nul(column: pa.ChunkedArray) -> list[int]:
    # Looking through the bytes of a column is ten times faster than through its texts.
    if not any(NUL.search(buffer) for chunk in column.chunks for buffer in chunk.buffers()[2:] if buffer):
        return []
    found: list[int] = pc.indices_nonzero(pc.match_substring(column, "\0").fill_null(False)).to_pylist()
    return found
