"""Bounds of date ranges, as people and Solr write them."""

from datetime import UTC, datetime

import pytest
from ckanext.kzopen.search import dates

NOW = datetime(2026, 5, 20, 13, 45, 10, tzinfo=UTC)


def moment(*parts: int) -> int:
    return dates.micros(datetime(*parts, tzinfo=UTC))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "upper", "expected"),
    [
        ("2024-02-29T10:00:00Z", False, moment(2024, 2, 29, 10)),
        ("2024", False, moment(2024, 1, 1)),
        ("2024", True, moment(2024, 12, 31, 23, 59, 59, 999999)),
        ("2024-02", True, moment(2024, 2, 29, 23, 59, 59, 999999)),
        ("2024-02-10", True, moment(2024, 2, 10, 23, 59, 59, 999999)),
        ("NOW", False, moment(2026, 5, 20, 13, 45, 10)),
        ("NOW-7DAYS", False, moment(2026, 5, 13, 13, 45, 10)),
        ("NOW-1MONTH/DAY", False, moment(2026, 4, 20)),
        ("NOW/YEAR", False, moment(2026, 1, 1)),
        ("2024-02-29T10:00:00Z+1YEAR", False, moment(2025, 2, 28, 10)),
    ],
)
def test_a_bound_is_this_moment(text: str, upper: bool, expected: int) -> None:
    assert dates.of_bound(text, upper, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "NOW-7PARSECS", "2024-13", "2024-02-30"])
def test_what_is_no_date_is_no_bound(text: str) -> None:
    assert dates.of_bound(text, False, NOW) is None


def test_a_moment_without_a_zone_is_in_utc() -> None:
    assert dates.of_value("2024-02-29 10:00") == dates.of_value("2024-02-29T15:00:00+05:00") == moment(2024, 2, 29, 10)
