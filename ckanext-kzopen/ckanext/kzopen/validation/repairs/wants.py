"""What the values of a column are to be: as a schema says, or as the values themselves do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from ckanext.kzopen.validation.infer import NUMBER, YEAR_LABEL, is_code
from ckanext.kzopen.validation.repairs.notations import Commas, commas_of, day_of, plain_number, slashes_of
from ckanext.kzopen.validation.repairs.words import BLANK, NO_VALUE, ONLY_SIGNS
from ckanext.kzopen.validation.short import all_hold as _all
from ckanext.kzopen.validation.short import is_short
from frictionless import Field

BIN_LABEL = re.compile(r"(?<!\w)(бин|бсн|иин|жсн|bin|iin)(?!\w)", re.IGNORECASE)
KATO_LABEL = re.compile(r"(?<!\w)(като|kato)(?!\w)", re.IGNORECASE)
COUNT_LABEL = re.compile(
    r"(?<!\w)(id|№|number|count|population|номер\w*|нөмір\w*|саны|количество|кол-во|число|численность|население|халық\w*)(?!\w)",
    re.IGNORECASE,
)
WORDS_OF_NAME = re.compile(r"_|(?<=[a-zа-я])(?=[A-ZА-Я])")  # parent_id, parentCode
YEARS = r"^(19|20)\d\d\.0+$"
OF_ONE_LENGTH = re.compile(r"\^?(?:\\d|\[0-9\])\{(\d+)\}\$?")
ENOUGH, FEW_ODD = 20, 0.05
NO_COMMAS = Commas(group=False, decimal=False)


@dataclass(frozen=True)
class Want:
    """What the values of a column are to be: `kind` is text, code, number, whole, date, boolean or other; `length` that of
    codes; `form` the notation of dates; `yes` and `no` the words of a boolean, the best one first; `wrong` the texts that the
    schema does not take, None where no schema says."""

    kind: str
    length: int | None = None
    form: str = "%Y-%m-%d"
    point: str = "."
    wrong: pl.Series | None = None
    yes: Sequence[str] = ("true",)
    no: Sequence[str] = ("false",)


def wanted_by(field: Field, label: str, wrong: pl.Series) -> Want:
    """What a schema wants of a column."""
    length = _length(field.constraints, label) if field.type == "string" else None
    kinds = {"number": "number", "integer": "whole", "year": "whole", "date": "date", "boolean": "boolean"}
    kinds["string"] = "code" if length else "text"
    form = field.format if field.type == "date" and "%" in field.format else "%Y-%m-%d"
    kind, point = kinds.get(field.type, "other"), getattr(field, "decimal_char", ".")
    if kind == "boolean":
        yes, no = field.true_values or ["true"], field.false_values or ["false"]  # type: ignore[attr-defined]
        return Want(kind, wrong=wrong, yes=yes, no=no)
    return Want(kind, length, form, point, wrong)


def _length(constraints: dict[str, Any], label: str) -> int | None:
    found = OF_ONE_LENGTH.fullmatch(str(constraints.get("pattern", "")))
    if found:
        return int(found[1])
    return _length_by_label(label)


def _length_by_label(label: str) -> int | None:
    return 12 if BIN_LABEL.search(label) else 9 if KATO_LABEL.search(label) else None


def wanted_by_values(texts: pl.Series, label: str) -> Want:
    """What a column without a schema seems to be: judged by all of its values but those that stand for none. A column of
    which nearly all values are numbers or days is taken for one of them; the rest stays as it is."""
    present = _present(texts)
    if not len(present):
        return Want("text")
    if _all(present, r"^\d+(\.0+)?$"):
        if is_code(label) or present.str.contains(r"^0\d").any():
            return Want("code", _length_by_label(label))
        return Want("whole" if _are_whole(present, label) else "number")
    odd = present.filter(~present.str.contains(NUMBER)).to_list()
    allowed = len(present) * FEW_ODD if len(present) >= ENOUGH else 0
    commas = (
        commas_of(odd if len(odd) == len(present) else present.to_list()) if any("," in text for text in odd) else NO_COMMAS
    )
    if _nearly_all(odd, lambda text: plain_number(text, commas) is not None, allowed):
        return Want("number")
    slashes = slashes_of(odd)
    if len(odd) == len(present) and _nearly_all(odd, lambda text: day_of(text, slashes) is not None, 0):
        return Want("date")
    return Want("text")


def _are_whole(present: pl.Series, label: str) -> bool:
    """Whether `12.0` is the number 12 as a program wrote it: the label tells a number, a count or a year, all are years, or
    some are without the fraction. Other sums are only round in this file, and are not to become whole numbers."""
    fractions = present.str.contains(r"\.0+$")
    if not fractions.any():
        return False
    words = WORDS_OF_NAME.sub(" ", label)
    told = YEAR_LABEL.search(words) or COUNT_LABEL.search(words)
    return bool(told) or not fractions.all() or _all(present, YEARS)


def _present(texts: pl.Series) -> pl.Series:
    """The distinct values, without blanks around them, that say something."""
    if is_short(texts):
        stripped = dict.fromkeys(text.strip(BLANK) for text in texts.to_list() if text is not None)
        return pl.Series([text for text in stripped if text and not _is_nothing(text)], dtype=pl.String)
    bare = texts.drop_nulls().unique(maintain_order=True).str.strip_chars(BLANK).unique(maintain_order=True)
    nothing = bare.str.to_lowercase().is_in(list(NO_VALUE)) | bare.str.contains(f"^(?:{ONLY_SIGNS.pattern})$")
    return bare.filter((bare != "") & ~nothing)


def _is_nothing(text: str) -> bool:
    return text.lower() in NO_VALUE or ONLY_SIGNS.fullmatch(text) is not None


def _nearly_all(texts: Sequence[str], fits: Callable[[str], bool], allowed: float) -> bool:
    wrong = 0
    for text in texts:
        wrong += not fits(text)
        if wrong > allowed:
            return False
    return True
