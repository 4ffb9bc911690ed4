"""IIN and BIN, the twelve-digit numbers of people and organisations.

The check digit is Σ dᵢ·wᵢ mod 11 with w = 1…11; where that gives 10, a second pass takes w = 3…11, 1, 2; where that gives
10 too, the number is never issued. (The second pass is what careless validators lose: 8 % of real numbers need it.)
The first pass does not protect the eleventh digit, whose weight is nothing mod 11: a right check digit is no proof.
"""

from __future__ import annotations

import re
from datetime import date

FIRST_PASS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
SECOND_PASS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
_CENTURIES = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}
_TWELVE = re.compile(r"[0-9]{12}")
_SEPARATORS = re.compile(r"[\s\-\u00ad\u200b]+")


def normalised(value: str | int) -> str | None:
    """The twelve digits without spaces and hyphens, or None when they are not twelve.

    Spreadsheets drop leading zeros: a number (`int`) of fewer digits gets them back; a text does not.
    """
    text = f"{value:012d}" if isinstance(value, int) else _SEPARATORS.sub("", value)
    return text if _TWELVE.fullmatch(text) else None


def check_digit(eleven: str) -> int | None:
    """The twelfth digit for the first eleven; None for those that are never issued."""
    digits = [int(digit) for digit in eleven]
    for weights in (FIRST_PASS, SECOND_PASS):
        rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        if rest < 10:
            return rest
    return None


def has_check_digit(value: str | int) -> bool:
    """Whether the number is twelve digits and its last one is right; true of IIN and BIN alike."""
    number = normalised(value)
    return number is not None and check_digit(number[:11]) == int(number[11])


def birth_date(iin: str) -> date | None:
    """The date in the first six digits and the century of the seventh; None where there is no such date."""
    century = _CENTURIES.get(iin[6])
    if century is None:
        return None
    try:
        return date(century + int(iin[:2]), int(iin[2:4]), int(iin[4:6]))
    except ValueError:
        return None


def is_iin(value: str | int) -> bool:
    """A person's number: right check digit, and a date of birth of the years 1800 to today's century."""
    number = normalised(value)
    return number is not None and has_check_digit(number) and birth_date(number) is not None


def is_bin(value: str | int) -> bool:
    """An organisation's number: right check digit, a month, and a fifth digit of 4, 5 or 6.

    What the fifth digit means (resident, non-resident, sole trader) is unverified.
    """
    number = normalised(value)
    return number is not None and has_check_digit(number) and "01" <= number[2:4] <= "12" and number[4] in "456"
