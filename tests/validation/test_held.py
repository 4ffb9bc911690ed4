"""Values that frictionless reads, or a library gives, and that no database holds: each is told with its row, none stops the
check, and none is changed on the way."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ckanext.kzopen.validation import objects
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
    ("sent", "stored"),
    [
        ('{"n": 1e400}', '{"n": 1E+400}'),
        ('[1e-400, {"n": [-1.5e999]}]', '[1E-400, {"n": [-1.5E+999]}]'),
        ('{"n": 0.12345678901234567890, "m": 1.10}', '{"n": 0.12345678901234567890, "m": 1.10}'),
        ('{"\\"1.5": "\\"1e400\\"", "n": 7}', '{"\\"1.5": "\\"1e400\\"", "n": 7}'),
    ],
)
def test_a_number_inside_an_object_stays_what_it_is_in_a_column_of_texts(tmp_path: Path, sent: str, stored: str) -> None:
    found = checked(tmp_path, "string", as_json(sent))

    assert found.report.counts == {}
    assert found.table is not None
    assert found.table.column("x").to_pylist() == [None, stored]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (as_json('"\\ud800"'), "encoding-error"),
        (as_json('{"k": "\\udc00"}'), "encoding-error"),
        (b'[["id", "x"], ["a", null], ["b", "\\ud83d"]]', "encoding-error"),
        (as_json('"\\uD83Dx\\uDE00"'), "encoding-error"),
        (as_json('"\\ud83d\\ud83d\\ude00"'), "encoding-error"),
        (as_json('"\\ud83d\\ude00\\ude00"'), "encoding-error"),
        (as_json('"\\ud83d\\\\ude00"'), "encoding-error"),
        (as_json('"\\\\ud83d\\ude00"'), "encoding-error"),
        (as_json("1").replace(b'"x": 1', b'"x": 1, "y\\ud800": 2'), "encoding-error"),
        (as_parquet(pa.Array.from_buffers(pa.string(), 2, pa.array([b"", b"\xff\xfe"]).buffers())), "encoding-error"),
        (as_parquet(pa.array([None, b"\xff\xfe"])), "encoding-error"),
        (as_parquet(pa.array(["a", b"\xff"], pa.binary()).dictionary_encode()), "encoding-error"),
    ],
)
def test_what_is_no_text_is_told_with_its_row(tmp_path: Path, body: bytes, code: str) -> None:
    found = checked(tmp_path, "any", body)

    assert [(one.code, one.row) for one in found.report.findings] == [(code, 3)]
    for language in ("kk", "ru", "en"):
        assert "3" in found.report.findings[0].sentence(language)


@pytest.mark.parametrize("value", ["1e99999999999999999999", '{"k": [-1e-99999999999999999999]}'])
@pytest.mark.parametrize("kind", ["number", "object", "string", "any"])
def test_a_number_of_json_that_no_decimal_holds_is_refused_by_its_name(tmp_path: Path, kind: str, value: str) -> None:
    (one,) = checked(tmp_path, kind, as_json(value)).report.findings

    assert (one.code, one.reason) == ("format-error", "exponent")
    assert "99999999999999999999" in one.sentence("kk")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "2024-01-01"),
        ({"type": "datetime", "format": "%d.%m.%Y %H:%M"}, "2024-01-01 00:00:00"),
    ],
)
def test_a_moment_of_a_known_zone_is_read_in_its_own_time(tmp_path: Path, kind: str | dict[str, Any], value: str) -> None:
    """2023-12-31 18:00 in UTC; Almaty was six hours ahead."""
    moment = pa.array([None, 1704045600], pa.int64()).cast(pa.timestamp("s")).cast(pa.timestamp("us", "Asia/Almaty"))

    found = checked(tmp_path, kind, as_parquet(moment))

    assert found.report.counts == {}
    assert found.table is not None
    assert str(found.table.column("x")[1]) == value


def test_whole_letters_that_json_writes_in_halves_cost_no_second_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own json writes every letter beyond U+FFFF so."""
    looked: list[object] = []
    monkeypatch.setattr(objects, "_refuse_halves", looked.append)
    told = json.dumps([{"id": "a", "x": None}, {"id": "b", "x": "😀😀 \U00010000"}])
    assert told.count("\\ud8") == 3

    found = checked(tmp_path, "string", told.encode())

    assert (found.report.counts, looked) == ({}, [])


WITHOUT_PANDAS = """
import sys
from pathlib import Path

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
from ckanext.kzopen.validation.check import check_file

for path in sorted(Path(sys.argv[1]).iterdir(), key=lambda one: int(one.stem)):
    fields = [{"name": "id", "type": "string"}, {"name": "x", "type": path.suffix[1:]}]
    found = check_file(path, {"fields": fields, "primaryKey": ["id"]}).report.findings
    print(*[(one.code, one.row, one.field or one.params.get("field")) for one in found])
"""


def test_times_that_python_does_not_hold_do_not_stop_the_check_without_pandas(tmp_path: Path) -> None:
    """pyarrow asks pandas, if it is there, for what is finer than a microsecond; it is a library of the tests alone. Texts of
    such times are read as those of a CSV are: to the microsecond."""

    def numbers(value: int, kind: pa.DataType) -> pa.Array:
        return pa.array([1_000, value], pa.int64()).cast(kind)

    inside = pa.array([[1_000], [1]], pa.list_(pa.int64()))
    wrong = "('type-error', 3, 'x')"
    refused = "('source-error', 3, 'x')"
    cases = [
        ("time", numbers(1, pa.time64("ns")), ""),
        ("datetime", numbers(1, pa.timestamp("ns")), ""),
        ("datetime", numbers(9 * 10**18, pa.timestamp("us")).dictionary_encode(), wrong),
        ("time", numbers(1, pa.time64("ns")).dictionary_encode(), ""),
        ("integer", pa.array([None, 1], pa.int64()).cast(pa.duration("ns")), wrong),
        ("integer", pa.array([None, 2**62], pa.int64()).cast(pa.duration("s")), wrong),
        ("any", inside.cast(pa.list_(pa.timestamp("ns"))), refused),
        ("any", inside.cast(pa.list_(pa.duration("ns"))), refused),
    ]
    for place, (kind, values, _) in enumerate(cases):
        (tmp_path / f"{place}.{kind}").write_bytes(as_parquet(values))

    told = subprocess.run([sys.executable, "-c", WITHOUT_PANDAS, tmp_path], capture_output=True, text=True, check=True)

    assert told.stdout.splitlines() == [one for *_, one in cases]


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
