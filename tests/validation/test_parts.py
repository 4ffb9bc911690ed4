"""A large table read in parts is the same as csv reads it whole; where it might not be, nothing is read in parts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from ckanext.kzopen.validation.encodings import _is_utf8, detect
from ckanext.kzopen.validation.parts import Part, read_parts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples

WIDTH = 3
CELLS = st.sampled_from(["", "a", "ы", "қ1", " ", '"', '""', '"x,y"', '"x\ny"', '"x\r\ny"', 'a"b', "\r", "\x0b", "long" * 9])
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=5).map(",".join), min_size=4, max_size=90)


def _rows(part: Part) -> list[list[str]]:
    """The records as csv gives them: ragged ones and blank lines with their own cells."""
    whole = [["" if cell is None else cell for cell in row] for row in part.rows.iter_rows()]
    return [part.ragged.get(position, row) for position, row in enumerate(whole)]


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, end=st.sampled_from(["\n", "\r\n"]), size=st.integers(30, 200), last=st.booleans())
def test_parts_give_the_records_that_csv_gives(lines: list[str], end: str, size: int, last: bool, tmp_path: Path) -> None:
    text = end.join(lines) + (end if last else "")
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    found = read_parts(path, ",", 0, WIDTH, part=size)
    if found is not None:
        assert _rows(found) == list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_plain_table_is_read_in_parts_with_ragged_rows_and_blank_lines(end: bytes, tmp_path: Path) -> None:
    lines = [b"a,b,c"] * 50 + [b"short", b"", b"one,two,three,four", b",,"] + ['ә,"қ, ң",ү'.encode()] * 50
    path = tmp_path / "table.csv"
    path.write_bytes(end.join(lines) + end)
    found = read_parts(path, ",", 0, WIDTH, part=64)
    assert found is not None
    assert found.rows.height == 104
    assert found.ragged == {50: ["short"], 51: [], 52: ["one", "two", "three", "four"]}
    assert found.rows.row(53) == ("", "", "")
    assert found.rows.row(51) == (None, None, None)
    assert found.rows.row(103) == ("ә", "қ, ң", "ү")


@pytest.mark.parametrize(
    "odd", [b'1,"two\nlines",3', b'1,2,"never closed', b"1,2\r3,4,5", b"x" * 9000], ids=["lines", "open", "return", "long"]
)
def test_a_table_whose_lines_may_not_be_records_is_not_read_in_parts(odd: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\n".join([b'a,"b",'] * 40 + [b",,", odd] + [b'a,"b",'] * 40) + b"\n")
    assert read_parts(path, ",", 0, WIDTH, part=64) is None


@given(text=st.text(min_size=1, max_size=40), bad=st.sampled_from([b"", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xd0"]))
@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_utf8_is_proved_as_python_decodes_it(text: str, bad: bytes, tmp_path: Path) -> None:
    raw = text.encode() * 3 + bad
    path = tmp_path / "text"
    path.write_bytes(raw)
    assert _is_utf8(path) is (not bad and "\x00" not in text)


def test_a_letter_that_two_reads_divide_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "text"
    for before in range(4):
        path.write_bytes(b"a" * ((1 << 20) - before) + "қ🙂,\n".encode() * 9)
        assert detect(path) == "utf-8"
