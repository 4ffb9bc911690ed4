"""Columns, cells and pages of a table."""

from __future__ import annotations

import pytest

from portal_theme.catalogue import kz_pages
from portal_theme.cells import Column, column_of, kz_cell, kz_type
from portal_theme.rows import Order, Rows
from tests.portal_theme.conftest import Reader


def column(kind: str) -> Column:
    """A column of the DataStore's type `kind`."""
    return column_of({"id": "x", "type": kind})


def test_a_column_has_the_titles_that_the_datastore_keeps_for_it() -> None:
    info = {"label": "Код", "label_kk": "Коды", "label_ru": "Код", "notes_ru": "Девять цифр"}
    found = column_of({"id": "kato", "type": "text", "info": info})
    assert found == Column("kato", {"kk": "Коды", "ru": "Код"}, {"ru": "Девять цифр"}, "text", False)


def test_a_column_without_titles_is_called_by_its_name() -> None:
    assert column_of({"id": "sum", "type": "numeric"}) == Column("sum", "sum", "", "numeric", True)


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("text", "007", "007"),
        ("numeric", 1234.5, "1234.5"),
        ("bool", True, "иә"),
        ("bool", False, "жоқ"),
        ("date", "2026-03-05", "05.03.2026"),
        ("timestamp", "2026-03-05T23:30:00", "05.03.2026, 23:30"),
        ("text", None, ""),
    ],
)
def test_a_cell_is_read_as_published_in_the_reader_s_form(reading: Reader, kind: str, value: object, told: str) -> None:
    with reading("kk"):
        assert kz_cell(value, column(kind)) == told


def test_types_are_told_in_words_and_unknown_ones_as_they_are(reading: Reader) -> None:
    with reading("ru"):
        assert [kz_type(column(kind)) for kind in ("int8", "bool", "jsonb")] == ["число", "да или нет", "jsonb"]


@pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (50, 1), (51, 2), (101, 3)])
def test_rows_fill_pages_of_fifty(total: int, pages: int) -> None:
    assert Rows([], [], total).page_count == pages


def test_an_order_is_written_as_the_address_has_it() -> None:
    assert (str(Order()), str(Order("a b")), str(Order("a", True))) == ("", "a b asc", "a desc")


@pytest.mark.parametrize(
    ("current", "last", "shown"),
    [
        (1, 1, [1]),
        (1, 3, [1, 2, 3]),
        (5, 9, [1, None, 3, 4, 5, 6, 7, None, 9]),
        (9, 9, [1, None, 7, 8, 9]),
    ],
)
def test_links_to_pages_leave_out_those_far_away(current: int, last: int, shown: list[int | None]) -> None:
    assert kz_pages(current, last) == shown
