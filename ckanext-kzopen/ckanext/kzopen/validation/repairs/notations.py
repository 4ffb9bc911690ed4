"""Numbers and dates as people write them, turned into the plain notation; None where they may be read in two ways."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

BLANKS = " \u00a0\u202f\u2009'’"
SIGNS = re.compile(r"^[£$€₸]\s*|\s*(₸|тг\.?|тенге|теңге|руб\.?|%|\$|€)$", re.IGNORECASE)
PLAIN = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,2})?")
BY_BLANKS = re.compile(rf"-?\d{{1,3}}([{BLANKS}]\d{{3}})+([.,]\d+)?")
BY_COMMAS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
BY_POINTS = re.compile(r"-?\d{1,3}(\.\d{3}){2,}(,\d+)?|-?\d{1,3}(\.\d{3})+,\d+")
DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
WHOLE = re.compile(r"-?\d+")
SURE_COMMAS = re.compile(r"-?\d{1,3}(,\d{3}){2,}(\.\d+)?|-?\d{1,3}(,\d{3})+\.\d+")


@dataclass(frozen=True)
class Commas:
    """What commas mean in a column; where neither is sure, a number with a comma is left as it is."""

    group: bool
    decimal: bool


def commas_of(texts: Iterable[str]) -> Commas:
    """Commas divide thousands when a number has two of them, or one and a point; or when all that have one have three
    digits after it and all that have none are below a thousand. They are decimal when other digits follow one."""
    with_comma, sure, whole, large = 0, False, False, False
    for bare in map(_bare, texts):
        if "," in bare:
            if (DECIMAL_COMMA.fullmatch(bare) and not BY_COMMAS.fullmatch(bare)) or BY_BLANKS.fullmatch(bare):
                return Commas(group=False, decimal=True)
            with_comma += 1
            sure = sure or SURE_COMMAS.fullmatch(bare) is not None
        elif not large and WHOLE.fullmatch(bare):
            whole, large = True, len(bare.lstrip("-+0")) > 3  # thousands
    return Commas(group=sure or (whole and not large and with_comma > 1), decimal=False)


def plain_number(text: str, commas: Commas) -> str | None:
    """The number with digits, a minus and a decimal point only; blanks between thousands, signs of currency and of per
    cent go. The digits stay as they are."""
    bare = _bare(text)
    if PLAIN.fullmatch(bare):
        return bare
    if BY_BLANKS.fullmatch(bare):
        return re.sub(f"[{BLANKS}]", "", bare).replace(",", ".")
    if BY_POINTS.fullmatch(bare):
        return bare.replace(".", "").replace(",", ".")
    if commas.group and BY_COMMAS.fullmatch(bare):
        return bare.replace(",", "")
    if commas.decimal and DECIMAL_COMMA.fullmatch(bare):
        return bare.replace(",", ".")
    return None


def _bare(text: str) -> str:
    bare = text.strip(BLANKS + "\t").replace("−", "-")
    if bare[-1:].isdigit() and (bare[0].isdigit() or bare[0] == "-"):
        return bare  # nearly all: a pattern for each of a million cells would take long
    return SIGNS.sub("", bare).strip(BLANKS)


MONTHS = {
    month: number
    for names in (
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан",
        "қаңтардағы ақпандағы наурыздағы сәуірдегі мамырдағы маусымдағы шілдедегі "
        "тамыздағы қыркүйектегі қазандағы қарашадағы желтоқсандағы",
    )
    for number, month in enumerate(names.split(), start=1)
}  # fmt: skip
MIDNIGHT = re.compile(r"[ T]00:00(:00(\.0+)?)?$")
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
YEAR_FIRST = re.compile(r"(\d{4})[./](\d{1,2})[./](\d{1,2})")
DAY_FIRST = re.compile(r"(\d{1,2})[.-](\d{1,2})[.-](\d{4})(?:\s*(?:г\.?|ж\.?|года?|жылы?))?")
SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
IN_WORDS = re.compile(r"(\d{1,2})\s+([^\W\d_]+)\s+(\d{4})(?:\s*(?:г\.?|ж\.?|года?|жылы?))?")
YEAR_AND_WORDS = re.compile(r"(\d{4})\s*(?:ж\.?|жылғы|жылы)\s+(\d{1,2})\s+([^\W\d_]+)")


def slashes_of(texts: Iterable[str]) -> str | None:
    """Whether the day (`day`) or the month (`month`) stands first in dates with slashes; None where both may be."""
    first = second = False
    for found in (SLASHES.fullmatch(text.strip()) for text in texts if "/" in text):
        if found:
            first, second = first or int(found[1]) > 12, second or int(found[2]) > 12  # months
    return None if first == second else "day" if first else "month"


def notation_of(text: str) -> str | None:
    """A name of the notation in which a date is written; None for what is no date."""
    bare = MIDNIGHT.sub("", text.strip())
    for name, pattern in (
        ("iso", ISO),
        ("year", YEAR_FIRST),
        ("slashes", SLASHES),
        ("words", IN_WORDS),
        ("words", YEAR_AND_WORDS),
    ):
        if pattern.fullmatch(bare):
            return name
    return ("points" if "." in bare[:3] else "dashes") if DAY_FIRST.fullmatch(bare) else None


def day_of(text: str, slashes: str | None) -> date | None:
    """The day that the text names; None when it names none, or one that does not exist."""
    bare = MIDNIGHT.sub("", text.strip())
    for pattern in (ISO, YEAR_FIRST):
        if found := pattern.fullmatch(bare):
            return _day(found[1], found[2], found[3])
    if found := DAY_FIRST.fullmatch(bare):
        return _day(found[3], found[2], found[1])
    if found := SLASHES.fullmatch(bare):
        return (
            None
            if slashes is None
            else _day(found[3], found[2], found[1])
            if slashes == "day"
            else _day(found[3], found[1], found[2])
        )
    if found := IN_WORDS.fullmatch(bare):
        return _day(found[3], MONTHS.get(found[2].casefold(), 0), found[1])
    if found := YEAR_AND_WORDS.fullmatch(bare):
        return _day(found[1], MONTHS.get(found[3].casefold(), 0), found[2])
    return None


def _day(year: object, month: object, day: object) -> date | None:
    try:
        return date(int(str(year)), int(str(month)), int(str(day)))
    except ValueError:
        return None
