"""The vectorised check finds exactly what frictionless finds: code, row, field, message and note of every error."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ckanext.kzopen.validation.check import check_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.validation.reference import by_frictionless, by_us

INTEGERS = ["1", "2", "-5", "+3", " 7 ", "1_000", "007", "9" * 25, "1.0", "x", "٤٢", "-0", "1e3", "0x1F"]
NUMBERS = [
    "1.5", "1.50", "-2", "1e5", "NaN", "INF", "-inf", "1 000", "1,5", ".5", "5.", "0.1234567890123456789",
    "123456789012345678", "95.50867159269738", "1_0.5", "−3", " 4.5 ", "0.1", "00.10", "-0.0", "1'000.5", "10%", "$5",
]  # fmt: skip
DATES = ["2024-01-31", "2024-1-5", "2024-02-30", "31.01.2024", "1.2.2024", "0000-01-01", "2024-01-31T00:00", "x", "20240131"]
MOMENTS = [
    "2024-01-31T14:30:00", "2024-01-31 14:30:00", "2024-01-31T14:30:00Z", "2024-01-31T14:30:00+05:00",
    "2024-01-31T24:00:00", "2024-01-31T14:30", "2024-01-31T14:30:60", "2024-01-31T14:30:00.123456", "31.01.2024 14:30:00",
]  # fmt: skip
TEXTS = ["a", "A", "ab", "abc", "Қазақстан", "000140000012", "a\nb", " a", 'q"q', "a,b", "null", "-", "é", "́", "12a", "abc\n"]
CELLS: dict[str, list[str]] = {
    "integer": INTEGERS,
    "number": NUMBERS,
    "date": DATES,
    "datetime": MOMENTS,
    "string": TEXTS,
    "boolean": ["true", "false", "1", "0", "yes", "True", "иә"],
    "year": ["2024", "24", "02024", "-200", "abcd"],
    "yearmonth": ["2024-01", "2024-13", "2024-1", "01-2024"],
    "time": ["09:30:00", "9:30", "09:30:00Z", "25:00:00"],
    "any": TEXTS,
}
CONSTRAINTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "integer": {"minimum": st.just("2"), "maximum": st.sampled_from([5, 10**20]), "enum": st.just(["1", "2", "7"])},
    "number": {
        "minimum": st.sampled_from([0.1, 1, 0.12345678901234567]),
        "exclusiveMaximum": st.just(5),
        "enum": st.just([1.5, "0.1"]),
    },
    "date": {"minimum": st.just("2024-01-31"), "exclusiveMaximum": st.just("2024-02-01")},
    "string": {
        "minLength": st.just(2),
        "maxLength": st.just(3),
        "pattern": st.sampled_from([r"\d{12}", "a|b", "[a-z]+", r"(?!a).*", "^a", "[А-Яа-яәқ]+", ".b", r"\w+", "a.b"]),
        "enum": st.just(["a", "abc", "Қазақстан"]),
    },
    "boolean": {"enum": st.just([True])},
    "year": {"minimum": st.just(2000)},
}
BOUNDS_BY_FORMAT = {"%d.%m.%Y": {"minimum": "31.01.2024", "exclusiveMaximum": "01.02.2024"}}
MORE: dict[str, list[dict[str, Any]]] = {
    "integer": [{}, {"bareNumber": False}],
    "number": [{}, {"decimalChar": ","}, {"groupChar": " "}, {"bareNumber": False}, {"decimalChar": ",", "groupChar": "."},
               {"floatNumber": True}],
    "date": [{}, {"format": "%d.%m.%Y"}, {"format": "any"}],
    "datetime": [{}, {"format": "%d.%m.%Y %H:%M:%S"}, {"format": "any"}],
    "boolean": [{}, {"trueValues": ["иә"], "falseValues": ["жоқ"]}],
}  # fmt: skip


@st.composite
def fields(draw: st.DrawFn, name: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(CELLS)))
    possible = CONSTRAINTS.get(kind, {})
    chosen = draw(st.lists(st.sampled_from(sorted(possible)), unique=True, max_size=2)) if possible else []
    constraints = {constraint: draw(possible[constraint]) for constraint in chosen}
    constraints |= dict.fromkeys(draw(st.lists(st.sampled_from(["required", "unique"]), unique=True)), True)
    more = draw(st.sampled_from(MORE.get(kind, [{}])))
    bounds = BOUNDS_BY_FORMAT.get(more.get("format", ""))
    constraints = {wanted: bounds[wanted] if bounds and wanted in bounds else value for wanted, value in constraints.items()}
    field = {"name": name, "type": kind} | more
    missing = draw(st.sampled_from([{}, {"missingValues": ["", "-", "null"]}, {"missingValues": []}]))
    return field | missing | ({"constraints": constraints} if constraints else {})


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, Any], list[str], list[list[str]]]:
    names = ["id", "b", "code"][: draw(st.integers(1, 3))]
    found = [draw(fields(name)) for name in names]
    key = draw(st.lists(st.sampled_from(names), unique=True, max_size=2))
    schema: dict[str, Any] = {"fields": found} | ({"primaryKey": key} if key else {})
    order = draw(st.permutations(names))
    by_name = {field["name"]: st.sampled_from([*CELLS[field["type"]], ""]) for field in found}
    row = st.tuples(*(by_name[name] for name in order)).map(list)
    ragged = st.lists(st.sampled_from(["", "1", "x"]), max_size=5)
    rows = draw(st.lists(st.one_of(row, row, row, row, ragged), max_size=12))
    return schema, list(order), rows


def write(path: Path, labels: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([labels, *rows])
    return path


@given(tables())
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_generated_tables_get_the_same_findings(
    tmp_path: Path, table: tuple[dict[str, Any], list[str], list[list[str]]]
) -> None:
    schema, labels, rows = table
    path = write(tmp_path / "t.csv", labels, rows)
    assert by_us(check_file(path, schema, limit=10**6)) == by_frictionless(path, schema)
