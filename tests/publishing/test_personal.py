"""Which columns are taken for personal data, and which are not although they look alike."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from ckanext.kzopen.core.identifiers import check_digit
from ckanext.kzopen.publishing import personal
from ckanext.kzopen.validation import typed
from frictionless import Field


def with_digit(eleven: str) -> str:
    return f"{eleven}{check_digit(eleven)}"


IIN = [with_digit(f"85031{day}3000{n}") for day, n in (("4", "1"), ("5", "2"), ("6", "4"))]
BIN = ["000140000012", "000140000092", "000140000220"]


def kinds(values: list[Any], field: dict[str, Any] | None = None, **schema: Any) -> list[tuple[str, str]]:
    name = (field or {}).get("name", "a")
    table = pa.table({name: values})
    found = personal.found(table, {"fields": [{"name": name} | (field or {})], **schema})
    return [(stop.params["column"], stop.params["what"]) for stop in found]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (IIN, "iin"),
        (["дело № 7, ИИН " + IIN[0]], "iin"),
        (["+7 701 123 45 67", None], "phone"),
        (["8 (701) 123-45-67"], "phone"),
        (["87011234567", "текст"], "phone"),
        (["4111 1111 1111 1111"], "card"),
        (["write to name.surname@example.kz, please"], "email"),
    ],
)
def test_personal_data_are_found(values: list[Any], kind: str) -> None:
    assert kinds(values) == [("a", kind)]


@pytest.mark.parametrize(
    "values",
    [
        BIN,
        [with_digit("85031430001")[:11] + "9" if with_digit("85031430001")[11] != "9" else "850314300010"],  # wrong digit
        ["0201300123456789", "0201300123456790"],  # codes of the register of addresses
        ["2026-11-28", "12.05.1990"],
        ["ул. Абая, 150", "100 500 тенге"],
        [1, 2, 3],
        [87011234567.5, 1e300, math.inf, math.nan],  # no whole numbers of that length
        [Decimal("87011234567.25"), Decimal("0.5")],
        [123456789012.0, 210000000000.0],  # sums
        [None, None],
        [],
    ],
)
def test_codes_and_plain_values_are_none(values: list[Any]) -> None:
    assert kinds(values) == []


def test_one_iin_by_chance_among_many_numbers_of_organisations_is_none() -> None:
    assert kinds(BIN * 10 + IIN[:1]) == []


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([int(IIN[0])], "iin"),
        ([float(IIN[0]), 0.5, None, math.nan, math.inf, 1e300], "iin"),
        ([Decimal(IIN[0]), Decimal("0.25"), None], "iin"),
        ([Decimal(IIN[0]), Decimal(10**30)], "iin"),
        ([87011234567], "phone"),
        ([87011234567.0, 1.5], "phone"),
        ([Decimal(77011234567), Decimal("0.5")], "phone"),
        ([4111111111111111.0], "card"),
        ([Decimal(4111111111111111), Decimal("0.1234567890123456789")], "card"),
    ],
)
def test_a_number_of_a_person_stored_as_a_number_is_found(values: list[Any], kind: str) -> None:
    assert kinds(values) == [("a", kind)]


def test_a_sum_that_looks_like_a_telephone_by_chance_is_none() -> None:
    sums: list[Any] = [77012345678.0, 12_500_000_000.0, 98_000_000_000.0, 45_600_700_800.0]
    assert kinds(sums) == []


@pytest.mark.parametrize("target", ["number", "integer"])
def test_what_is_read_into_a_column_of_numbers_is_looked_at(target: str) -> None:
    field = Field.from_descriptor({"name": "a", "type": target})
    for written in (IIN, [*IIN, "0.25" if target == "number" else str(10**20)], [*IIN, str(10**30)]):
        column = typed.series_of(field, [Decimal(one) if target == "number" else int(one) for one in written])
        table = pa.table({"a": column.to_arrow(compat_level=pl.CompatLevel.oldest())})
        found = personal.found(table, {"fields": [{"name": "a", "type": target}]})
        assert [stop.params for stop in found] == [{"column": "a", "what": "iin", "count": 3}], column.dtype


def test_a_birth_date_counts_beside_a_name_only() -> None:
    alone = {"fields": [{"name": "birth_date"}, {"name": "school"}]}
    beside = {"fields": [{"name": "birth_date"}, {"name": "col2", "title_translated": {"ru": "ФИО"}}]}
    assert personal.found(pa.table({"birth_date": ["1990-01-02"], "school": ["№1"]}), alone) == []
    found = personal.found(pa.table({"birth_date": ["1990-01-02"], "col2": ["А. Б."]}), beside)
    assert [(stop.params["column"], stop.params["what"], stop.params["count"]) for stop in found] == [
        ("birth_date", "birth_date", 1)
    ]


def test_what_the_schema_calls_public_by_law_passes() -> None:
    assert kinds(IIN, {"name": "iin", "publicBy": "Закон, ст. 5"}) == []
    assert kinds(IIN, publicBy="Закон, ст. 5") == []


def test_values_are_counted() -> None:
    (stop,) = personal.found(pa.table({"a": [*IIN, None]}), {"fields": [{"name": "a"}]})
    assert stop.params["count"] == 3


def test_what_comes_piece_by_piece_is_found_as_in_the_whole_table() -> None:
    table = pa.table({"who": [*IIN, "", None] * 3, "mail": [None] * 14 + ["name@example.kz"], "n": list(range(15))})
    schema = {"fields": [{"name": "who"}, {"name": "mail"}, {"name": "n"}]}
    search = personal.Search(schema)
    for start in range(0, 15, 4):
        search.take(table.slice(start, 4))
    assert search.found(table) == personal.found(table, schema) != []
