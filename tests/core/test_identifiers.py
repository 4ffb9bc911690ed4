"""IIN and BIN: check digit, normal form, what a number says about itself."""

from __future__ import annotations

from datetime import date

import pytest
from ckanext.kzopen.core.identifiers import birth_date, check_digit, has_check_digit, is_bin, is_iin, normalised
from hypothesis import assume, given
from hypothesis import strategies as st

births = st.dates(date(1900, 1, 1), date(2099, 12, 31))


def made(birth: date, sex: int, serial: int) -> str | None:
    """A number of the person's form with the check digit by the rule of the law, written out here once more."""
    century = (3 if birth.year < 2000 else 5) + sex
    body = f"{birth:%y%m%d}{century}{serial:04d}"
    total = sum((n + 1) * int(digit) for n, digit in enumerate(body)) % 11
    if total == 10:
        total = sum(((n + 2) % 11 + 1) * int(digit) for n, digit in enumerate(body)) % 11
    return None if total == 10 else f"{body}{total}"


@given(births, st.integers(0, 1), st.integers(0, 9999))
def test_every_issued_number_is_accepted(birth: date, sex: int, serial: int) -> None:
    number = made(birth, sex, serial)
    assume(number is not None)
    assert is_iin(number)
    assert birth_date(number) == birth


@given(births, st.integers(0, 1), st.integers(0, 9999), st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_found(birth: date, sex: int, serial: int, place: int, shift: int) -> None:
    number = made(birth, sex, serial)
    assume(number is not None)
    # The eleventh digit weighs 11, that is nothing, and two numbers of different passes may agree: the rule's own limits.
    place = 11 if place == 10 else place
    first = sum((n + 1) * int(digit) for n, digit in enumerate(number[:11])) % 11
    digit = (int(number[place]) + shift) % 10
    wrong = number[:place] + str(digit) + number[place + 1 :]
    again = sum((n + 1) * int(digit) for n, digit in enumerate(wrong[:11])) % 11
    assume(first < 10 and again < 10)
    assert not has_check_digit(wrong)


@pytest.mark.parametrize(
    ("number", "passes"),
    [("800101300125", 1), ("990840000012", 1), ("030712501809", 2), ("000000000000", 1)],
)
def test_the_check_digit_of_known_numbers(number: str, passes: int) -> None:
    first = sum((n + 1) * int(digit) for n, digit in enumerate(number[:11])) % 11
    assert (first == 10) == (passes == 2)
    assert check_digit(number[:11]) == int(number[11])


def test_a_number_that_is_never_issued_has_no_check_digit() -> None:
    body = next(f"{n:011d}" for n in range(10_000) if check_digit(f"{n:011d}") is None)
    assert not any(has_check_digit(f"{body}{digit}") for digit in range(10))


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        ("800101300125", "800101300125"),
        (" 800101 300125 ", "800101300125"),
        ("8001-0130-0125", "800101300125"),
        (30712501809, "030712501809"),
        ("30712501809", None),
        ("80010130012A", None),
        ("٨٠٠١٠١٣٠٠١٢١", None),
        ("", None),
    ],
)
def test_spaces_go_and_a_number_gets_its_zeros_back(value: str | int, digits: str | None) -> None:
    assert normalised(value) == digits


def test_a_date_that_does_not_exist_makes_no_iin() -> None:
    number = "800231300" + "12"
    assert check_digit(number) is not None
    assert not is_iin(f"{number}{check_digit(number)}")


def test_an_iin_is_no_bin_and_a_bin_no_iin() -> None:
    assert is_bin("990840000012")
    assert not is_iin("990840000012")
    assert is_iin("800101300125")
    assert not is_bin("800101300125")
