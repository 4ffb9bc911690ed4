"""The fast parser gives what Python's csv module gives, or steps back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from ckanext.kzopen.validation.cells import Reading
from ckanext.kzopen.validation.delimited import Dialect, Start, _fast
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import examples

HEADER = "a,b\n"
COMMA = Dialect(",")


def fast(path: Path, body: str) -> list[tuple[int, list[str]]] | None:
    """Rows with their numbers as the fast parser reads them, or None when it steps back."""
    path.write_text(HEADER + body, encoding="utf-8", newline="")
    cells = _fast(path, Start(["a", "b"], COMMA, Reading("csv", "utf-8", ","), len(HEADER)))
    if cells is None:
        return None
    whole = zip(*(column.to_list() for column in cells.columns), strict=True)
    return [(number, list(cells.ragged.get(number, row))) for number, row in zip(cells.numbers, whole, strict=True)]


def slow(body: str) -> list[tuple[int, list[str]]]:
    return list(enumerate(csv.reader(io.StringIO(body, newline="")), start=2))


@given(st.text(alphabet='a,b"\n\r ә', max_size=40))
@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example('x,"y')
@example('x,"y\n')
@example('"y\r\n')
@example("a,b\n\n")
@example('a,"b""')
@example('"a"b,c\r\n')
def test_any_text_is_read_as_csv_reads_it(tmp_path: Path, body: str) -> None:
    found = fast(tmp_path / "t.csv", body)
    assert found is None or found == slow(body)


@pytest.mark.parametrize(
    "body",
    ["1,2\n3,4\n", "1,2\r\n3,4", '1,"x\ny"\n3,4\n', "1,2\n3\n4,5,6\n7,8\n", '"1","2"\n', 'ә,"q""q"\n'],
)
def test_ordinary_tables_are_read_fast(tmp_path: Path, body: str) -> None:
    assert fast(tmp_path / "t.csv", body) == slow(body)
