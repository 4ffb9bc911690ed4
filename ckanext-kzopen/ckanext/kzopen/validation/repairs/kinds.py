"""The kinds of repairs of a column's cells: each looks at all texts, and then says what it makes of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ckanext.kzopen.core.identifiers import has_check_digit, is_bin, is_iin
from ckanext.kzopen.validation.distinct import each
from ckanext.kzopen.validation.repairs.letters import of_one_alphabet
from ckanext.kzopen.validation.repairs.notations import commas_of, day_of, notation_of, plain_number, slashes_of
from ckanext.kzopen.validation.repairs.wants import Want
from ckanext.kzopen.validation.repairs.words import BLANK, answers_of, is_missing

Every = Callable[[], Iterator[str]]
"""The texts of a column, from the first on each time."""
Change = Callable[[str], str]
"""What a kind of repair makes of a text; what it does not concern comes back as it is."""
FRACTION = re.compile(r"(\d+)\.0+")
MOST_ZEROS = 4


def _codes(every: Every, want: Want) -> Change | None:
    if want.kind not in ("code", "whole"):
        return None
    return lambda value: found[1] if (found := FRACTION.fullmatch(value.strip())) else value


def _spaces(every: Every, want: Want) -> Change | None:
    return (lambda value: value.strip(BLANK)) if want.kind in ("text", "code", "other") else None


def _letters(every: Every, want: Want) -> Change | None:
    return of_one_alphabet if want.kind in ("text", "code") else None


def _yes_no(every: Every, want: Want) -> Change | None:
    if want.kind != "boolean":
        return None
    answer, words = answers_of(every(), want.yes, want.no), {True: want.yes[0], False: want.no[0]}
    return lambda value: value if (said := answer(value)) is None else words[said]


def _missing(every: Every, want: Want) -> Change | None:
    """Among texts and in columns of other kinds a dash may mean something, unless a schema says that it is wrong."""
    if want.kind in ("text", "other") and want.wrong is None:
        return None

    def fits(value: str) -> bool:
        return bool(value.strip()) and is_missing(value.strip(), want.kind)

    if want.kind == "text" and want.wrong is not None:
        wrong = {value for value in each(want.wrong) if fits(value)}
        return lambda value: "" if value in wrong else value
    if want.kind == "boolean":
        answer = answers_of(every(), want.yes, want.no)
        return lambda value: "" if answer(value) is None and fits(value) else value
    return lambda value: "" if fits(value) else value


def _numbers(every: Every, want: Want) -> Change | None:
    if want.kind not in ("number", "whole"):
        return None
    commas = commas_of(every())

    def plain(value: str) -> str:
        new = plain_number(value, commas)
        return value if new is None or (want.kind == "whole" and "." in new) else new.replace(".", want.point)

    return plain


def _dates(every: Every, want: Want) -> Change | None:
    """Without a schema only where there are several notations: one alone is the format of the column."""
    if want.kind != "date" or (want.wrong is None and len({notation_of(value) for value in every()} - {None}) < 2):
        return None
    slashes = slashes_of(every())
    return lambda value: value if (day := day_of(value, slashes)) is None else day.strftime(want.form)


def _zeros(every: Every, want: Want) -> Change | None:
    """Zeros that a spreadsheet took off a BIN or an IIN: its check digit and its date tell that they belong there."""
    filled = _filled(every, want)
    return (lambda value: code if _is_confirmed(code := filled(value)) else value) if filled else None


def _short_codes(every: Every, want: Want) -> Change | None:
    """The other codes that are too short: they may have lost their end as well."""
    filled = _filled(every, want)
    return (lambda value: value if _is_confirmed(code := filled(value)) else code) if filled else None


def _is_confirmed(code: str) -> bool:
    return has_check_digit(code) and (is_bin(code) or is_iin(code))


def _filled(every: Every, want: Want) -> Change | None:
    """Digits alone, shorter than the code by no more zeros than a spreadsheet takes off; never where one is longer."""
    length = want.length
    if want.kind != "code" or length is None or any(len(value) > length for value in every() if value.isdigit()):
        return None

    def filled(value: str) -> str:
        short = value.isascii() and value.isdigit() and length - MOST_ZEROS <= len(value) < length
        return value.zfill(length) if short else value

    return filled


KINDS = {
    "code": _codes,
    "spaces": _spaces,
    "letters": _letters,
    "yes-no": _yes_no,
    "missing": _missing,
    "number": _numbers,
    "date": _dates,
    "zeros": _zeros,
    "short-codes": _short_codes,
}
