"""Values that frictionless reads, or a library gives, and that no database holds: each is told with its row, none stops the
check, and none is changed on the way."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ckanext.kzopen.validation.check import Checked, check_file


def as_csv(value: str) -> bytes:
    quoted = value.replace('"', '""')
    return f'id,x\na,\nb,"{quoted}"\n'.encode()


def as_json(value: str) -> bytes:
    """`value` is JSON already."""
    return f'[{{"id": "a", "x": null}}, {{"id": "b", "x": {value}}}]'.encode()


def as_parquet(values: pa.Array) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": pa.array(["a", "b"]), "x": values}), sink)
    return sink.getvalue()


def moments(value: int, kind: pa.DataType) -> bytes:
    days = pa.types.is_date32(kind)
    return as_parquet(pa.array([None, value], pa.int32() if days else pa.int64()).cast(kind))


def checked(tmp_path: Path, kind: str | dict[str, Any], body: bytes) -> Checked:
    path = tmp_path / "body"
    path.write_bytes(body)
    fields = [{"name": "id", "type": "string"}, {"name": "x", **({"type": kind} if isinstance(kind, str) else kind)}]
    return check_file(path, {"fields": fields, "primaryKey": ["id"]}, suggest=True)


WRONG = {
    "half a letter in an object of csv": ("object", as_csv('{"k": "\\udc00"}')),
    "NUL in an object": ("object", as_json('{"k": ["a\\u0000b"]}')),
    "NUL in an object of csv": ("object", as_csv('{"k": "a\\u0000b"}')),
    "NUL in a name of an object": ("object", as_csv('{"a\\u0000b": 1}')),
    "NaN in a list": ("array", as_csv("[NaN]")),
    "infinity in a list": ("array", as_csv("[1e400]")),
    "infinity in a list of json": ("array", as_json("[1e400]")),
    "deep list": ("array", as_csv("[" * 900 + "]" * 900)),
    "deeper list": ("array", as_csv("[" * 50_000 + "]" * 50_000)),
    "deep list of json": ("array", as_json("[" * 900 + "]" * 900)),
    "integer of 5,000 digits": ("integer", as_csv("9" * 5000)),
    "integer of 4,000 digits": ("integer", as_json("9" * 4000)),
    "exponent that fills the memory": ("number", as_csv("1e999999999")),
    "exponent that fills the memory, json": ("number", as_json("1e999999999")),
    "exponent that fills the memory behind the point": ("number", as_csv("1e-999999999")),
    "exponent that no decimal has": ("number", as_csv("1e99999999999999999999")),
    "exponent that no decimal has, json": ("number", as_json("1e99999999999999999999")),
    "number of 9,000 digits behind the point": ("number", as_csv("9." + "1234567890" * 900)),
    "signalling NaN": ("number", as_csv("sNaN")),
    "year of six digits": ("year", as_json("100000")),
    "year 0": ("date", as_csv("0000-01-01")),
    "year 10000": ("date", as_csv("10000-01-01")),
    "day of any notation": ({"type": "date", "format": "any"}, as_csv("9" * 400)),
    "moment before the first one in UTC": ("datetime", as_csv("0001-01-01T00:00:00+05:00")),
    "moment behind the last one in UTC": ("datetime", as_csv("9999-12-31T23:59:59-05:00")),
    "day of the year 10183": ("date", moments(3_000_000, pa.date32())),
    "day before year 1": ("date", moments(-3_000_000, pa.date32())),
    "moment of microseconds": ("datetime", moments(9 * 10**18, pa.timestamp("us"))),
    "moment of seconds": ("datetime", moments(9 * 10**12, pa.timestamp("s", "UTC"))),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("what", WRONG)
def test_a_value_that_nothing_holds_is_wrong_in_its_row(tmp_path: Path, what: str) -> None:
    found = checked(tmp_path, *WRONG[what])

    assert found.report.counts == {"type-error": 1}
    assert [(one.code, one.row, one.field) for one in found.report.findings] == [("type-error", 3, "x")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (as_json('"\\ud800"'), "encoding-error"),
        (as_json('{"k": "\\udc00"}'), "encoding-error"),
        (b'[["id", "x"], ["a", null], ["b", "\\ud83d"]]', "encoding-error"),
        (as_json("1").replace(b'"x": 1', b'"x": 1, "y\\ud800": 2'), "encoding-error"),
        (as_parquet(pa.Array.from_buffers(pa.string(), 2, pa.array([b"", b"\xff\xfe"]).buffers())), "encoding-error"),
        (as_parquet(pa.array([None, b"\xff\xfe"])), "encoding-error"),
    ],
)
def test_what_is_no_text_is_told_with_its_row(tmp_path: Path, body: bytes, code: str) -> None:
    found = checked(tmp_path, "any", body)

    assert [(one.code, one.row) for one in found.report.findings] == [(code, 3)]
    for language in ("kk", "ru", "en"):
        assert "3" in found.report.findings[0].sentence(language)


DIGITS = "1234567890123456789012345678901234567890"


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("number", as_csv(DIGITS), DIGITS),
        ("number", as_json(DIGITS), DIGITS),
        ("number", as_csv("0.12345678901234567890123456789012345"), "0.12345678901234567890123456789012345"),
        ("integer", as_csv(DIGITS), DIGITS),
        ("integer", as_json(DIGITS), DIGITS),
        ("number", as_csv("1e400"), "1" + "0" * 400),
        ("number", as_parquet(pa.array([None, DIGITS]).cast(pa.decimal256(76, 0))), DIGITS),
        ("string", as_parquet(pa.array([None, "мектеп".encode()])), "мектеп"),
        ("string", as_json('"\\ud83d\\ude00"'), "😀"),
        ("datetime", moments(1, pa.timestamp("s", "Nowhere/City")), "1970-01-01 00:00:01+00:00"),
        ("datetime", as_csv("0001-01-01T00:00:00"), "0001-01-01 00:00:00"),
        ("array", as_csv("[" * 90 + "]" * 90), "[" * 90 + "]" * 90),
    ],
)
def test_a_rare_value_stays_as_it_is(tmp_path: Path, kind: str, body: bytes, value: str) -> None:
    found = checked(tmp_path, kind, body)

    assert found.report.counts == {}
    assert found.table is not None
    assert str(found.table.column("x")[1]) == value
