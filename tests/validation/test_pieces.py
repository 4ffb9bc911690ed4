"""A file checked piece by piece is the file checked as a whole; whatever is wrong with it is told by the whole check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ckanext.kzopen.validation import encodings, pieces
from ckanext.kzopen.validation.check import check_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples

SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "code", "type": "string", "constraints": {"required": True, "unique": True}},
        {"name": "note", "type": "string"},
        {"name": "amount", "type": "number"},
        {"name": "day", "type": "date"},
    ],
    "primaryKey": ["code"],
}
HEAD = "code,note,amount,day\n"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of every size are read in pieces of some bytes."""
    monkeypatch.setattr(pieces, "SMALLEST", 0)
    monkeypatch.setattr(pieces, "PIECE", 40)


def checked(path: Path, text: str, in_pieces: bool) -> tuple[Any, Any]:
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SMALLEST", 0 if in_pieces else 1 << 40)
        patch.setattr(pieces, "PIECE", 40)
        found = check_file(path, SCHEMA)
    return found.report.stored(), None if found.table is None else found.table.to_pylist()


def is_faultless(path: Path) -> bool:
    from ckanext.kzopen.validation import schema as schemas

    return pieces.faultless(path, "utf-8", SCHEMA, schemas.compiled(SCHEMA)) is not None


GOOD = HEAD + "".join(f'{n:04d},"Мектеп, №{n}",{n}.5,2026-01-{n % 28 + 1:02d}\n' for n in range(50))


def test_a_file_without_fault_is_read_in_pieces(small: None, tmp_path: Path) -> None:
    path = tmp_path / "good.csv"
    path.write_text(GOOD, encoding="utf-8")
    assert len(list(pieces.pieces(path, len(HEAD)))) > 10
    assert is_faultless(path)
    assert checked(path, GOOD, True) == checked(path, GOOD, False)


def test_rows_that_are_taken_are_not_kept_as_well(small: None, tmp_path: Path) -> None:
    path = tmp_path / "good.csv"
    path.write_text(GOOD, encoding="utf-8")
    taken: list[pa.Table] = []
    found = check_file(path, SCHEMA, take=taken.append)
    assert (found.table, found.taken, found.report.rows) == (None, True, 50)
    assert len(taken) > 10
    assert pa.concat_tables(taken).to_pylist() == checked(path, GOOD, False)[1]


def test_rows_taken_of_a_file_with_a_fault_do_not_count(small: None, tmp_path: Path) -> None:
    path = tmp_path / "spoilt.csv"
    path.write_text(GOOD + "0001,twice,1,2026-01-01\n", encoding="utf-8")
    taken: list[pa.Table] = []
    found = check_file(path, SCHEMA, take=taken.append)
    assert (found.table, found.taken, found.report.counts) == (None, False, {"unique-error": 1, "primary-key": 1})
    assert taken


@pytest.mark.parametrize(
    "spoilt",
    [
        GOOD + "0001,twice,1,2026-01-01\n",
        GOOD + ",no key,1,2026-01-01\n",
        GOOD + "9999,word,one,2026-01-01\n",
        GOOD + "9999,short\n",
        GOOD + "9999,long,1,2026-01-01,more\n",
        GOOD + "\n",
        GOOD + ",,,\n",
        GOOD + '9999,"two\nlines",1,2026-01-01\n',
        GOOD + '9999,"never closed,1,2026-01-01\n',
        GOOD + "9999,return\rinside,1,2026-01-01\n",
        GOOD + "9999,nul\0inside,1,2026-01-01\n",
        GOOD + "9999,exact,0.12345678901234567890,2026-01-01\n",
        "code,other\n1,2\n",
    ],
)
def test_every_other_file_is_checked_as_a_whole(small: None, tmp_path: Path, spoilt: str) -> None:
    path = tmp_path / "spoilt.csv"
    path.write_text(spoilt, encoding="utf-8", newline="")
    assert not is_faultless(path)
    assert checked(path, spoilt, True) == checked(path, spoilt, False)


@pytest.mark.parametrize("wrong", [b"\xff", b"\xd0", "Школа".encode("cp1251")])
def test_a_byte_behind_the_beginning_that_is_no_utf8_is_told_by_the_whole_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: bytes
) -> None:
    monkeypatch.setattr(encodings, "SAMPLE", 200)
    path = tmp_path / "wrong.csv"
    path.write_bytes(GOOD.encode() + b"9999," + wrong + b",1,2026-01-01\n")
    assert encodings.at_first(path) == "utf-8"
    told = []
    for smallest in (0, 1 << 40):
        monkeypatch.setattr(pieces, "SMALLEST", smallest)
        found = check_file(path, SCHEMA)
        told.append((found.report.stored(), found.table))
    assert told[0] == told[1]
    assert told[0][1] is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (GOOD.encode(), "utf-8"),
        (GOOD.encode("utf-8-sig"), "utf-8-sig"),
        (GOOD.encode("utf-16"), None),
        (GOOD.encode("utf-16-le"), None),
        (GOOD.encode("cp1251"), None),
        (bytes(range(256)), None),
    ],
)
def test_the_beginning_tells_whether_it_may_be_utf8(tmp_path: Path, content: bytes, expected: str | None) -> None:
    path = tmp_path / "any"
    path.write_bytes(content)
    assert encodings.at_first(path) == expected


CELLS = st.sampled_from(
    ["a", "b", "", '"', '"q"', '"a""b"', '"x,y"', '"two\nlines"', "1", "1.5", "2026-01-02", " ", "\r", '5"']
)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=5).map(",".join), max_size=8)


@given(ROWS, st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_reported_alike(tmp_path_factory: pytest.TempPathFactory, rows: list[str], end: str) -> None:
    text = end.join([HEAD.strip(), *(f"{n}{row}" for n, row in enumerate(rows))]) + end
    path = tmp_path_factory.mktemp("pieces") / "any.csv"
    assert checked(path, text, True) == checked(path, text, False)
