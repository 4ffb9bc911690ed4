"""Which columns are taken for personal data, and which are not although they look alike."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from ckanext.kzopen.core.identifiers import check_digit
from ckanext.kzopen.publishing import personal


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
        [None, None],
        [],
    ],
)
def test_codes_and_plain_values_are_none(values: list[Any]) -> None:
    assert kinds(values) == []


def test_one_iin_by_chance_among_many_numbers_of_organisations_is_none() -> None:
    assert kinds(BIN * 10 + IIN[:1]) == []


def test_a_number_of_a_person_stored_as_a_number_is_found() -> None:
    assert kinds([int(IIN[0])]) == [("a", "iin")]


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
