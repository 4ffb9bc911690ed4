"""Whether the rules of a column can be kept at all: told when the passport is saved, not by the next file.

Values are read as frictionless reads them, without it: web processes do not carry the libraries that read files. What is not
sure is left to the check of files: formats that guess, numbers among other signs, objects and places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic_core import PydanticCustomError

Field = Mapping[str, Any]
NOT_SURE = object()
LEAST, MOST = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
BOUNDS = (*LEAST, *MOST)
LENGTHS = ("minLength", "maxLength")
ORDERED = ("integer", "number", "date", "time", "datetime", "year", "yearmonth")
SHAPES: dict[str, Callable[[Any], bool]] = {
    **{name: lambda value: isinstance(value, bool) for name in ("required", "unique")},
    **{name: lambda value: type(value) is int and value >= 0 for name in LENGTHS},
    "pattern": lambda value: isinstance(value, str),
    "enum": lambda value: isinstance(value, list) and bool(value),
}
TRUE, FALSE = ("true", "True", "TRUE", "1"), ("false", "False", "FALSE", "0")


def refuse(field: Field) -> None:
    """Raise the first of the column's faults: a rule that is not for its type, a broken pattern, an allowed value that is of
    another type, bounds of which the lower is above the upper."""
    for fault in _faults(field):
        raise fault


def _faults(field: Field) -> Iterator[PydanticCustomError]:
    rules: Mapping[str, Any] = field.get("constraints") or {}
    told = {"name": field["name"], "kind": field["type"]}
    for rule, value in rules.items():
        if not _is_for(rule, value, field):
            yield PydanticCustomError("input_rule", "a rule is not for the type of its column", {**told, "rule": rule})
    if "pattern" in rules and not _compiles(rules["pattern"]):
        told_pattern = {"name": field["name"], "pattern": rules["pattern"]}
        yield PydanticCustomError("input_pattern", "a pattern is not a regular expression", told_pattern)
    if odd := [str(value) for value in rules.get("enum", ()) if value not in _missing(field) and read(value, field) is None]:
        yield PydanticCustomError("input_enum", "allowed values are of another type", {**told, "values": odd})
    if crossed := _crossed(rules, field):
        pair = {"least": str(crossed[0]), "most": str(crossed[1])}
        yield PydanticCustomError("input_bounds", "the lower bound is above the upper", {"name": field["name"], **pair})


def _is_for(rule: str, value: Any, field: Field) -> bool:
    """Whether columns of this type have such a rule, and its value is one that it may have."""
    kind = field["type"]
    if rule in BOUNDS:
        return kind in ORDERED and read(value, field) is not None
    if rule == "pattern" or (rule in LENGTHS and kind not in ("array", "object")):
        return kind == "string" and SHAPES[rule](value)
    return rule not in SHAPES or SHAPES[rule](value)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(f"^{pattern}$")
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _missing(field: Field) -> list[Any]:
    return list(field.get("missingValues") or [""])


def _crossed(rules: Mapping[str, Any], field: Field) -> tuple[Any, Any] | None:
    """A lower bound and an upper one between which there is no value."""
    for lower, upper in [(lower, upper) for lower in LEAST for upper in MOST]:
        if lower in rules and upper in rules:
            apart = _is_above(read(rules[lower], field), read(rules[upper], field), "exclusive" in lower + upper)
            if apart:
                return rules[lower], rules[upper]
    shortest, longest = (rules.get(name) for name in LENGTHS)
    return (shortest, longest) if shortest is not None and longest is not None and shortest > longest else None


def _is_above(least: Any, most: Any, exclusive: bool) -> bool:
    if NOT_SURE in (least, most):
        return False
    try:
        return bool(least > most or (exclusive and least == most))
    except TypeError:  # a moment with an offset and one without
        return False


def read(value: Any, field: Field) -> Any:
    """The value as the column reads it; None when it is of another type, NOT_SURE where only the check of files knows."""
    reader = READERS.get(field["type"])
    if reader is None or field.get("format") == "any" or field.get("bareNumber") is False:
        return NOT_SURE
    try:
        return reader(value, field)
    except (ValueError, TypeError, InvalidOperation):
        return None


def _text(value: Any, field: Field) -> Any:
    return value if isinstance(value, str) else None


def _integer(value: Any, field: Field) -> Any:
    whole = not isinstance(value, float) or value.is_integer()
    return int(value) if not isinstance(value, bool) and whole else None


def _number(value: Any, field: Field) -> Any:
    if isinstance(value, bool):
        return None
    plain, point = str(value).strip(), "."
    if isinstance(value, str):
        plain, point = plain.replace(field.get("groupChar") or "", ""), field.get("decimalChar") or "."
    if point != "." and "." in plain:
        return None
    number = Decimal(plain.replace(point, "."))
    return NOT_SURE if number.is_nan() else number  # nothing is above it or below


def _boolean(value: Any, field: Field) -> Any:
    if isinstance(value, bool):
        return value
    true, false = field.get("trueValues") or TRUE, field.get("falseValues") or FALSE
    return value in true if value in (*true, *false) else None


def _year(value: Any, field: Field) -> Any:
    if not isinstance(value, int | str):
        return None
    year = int(value) if isinstance(value, int) or len(value) == 4 else -1
    return year if 0 <= year <= 9999 else None


def _yearmonth(value: Any, field: Field) -> Any:
    year, month = (int(part) for part in value.split("-")) if isinstance(value, str) else (0, 0)
    return (year, month) if 1 <= month <= 12 else None


def _moment(kind: type[date] | type[time] | type[datetime], value: Any, field: Field) -> Any:
    """A day, time or moment in the format of its column, else in that of ISO 8601 in full length."""
    if not isinstance(value, str):
        return None
    form = field.get("format") or "default"
    if form != "default":
        moment = datetime.strptime(value, form)
        return moment if kind is datetime else moment.time() if kind is time else moment.date()
    if kind is date:
        return datetime.strptime(value, "%Y-%m-%d").date()
    colon, length = (5, 8) if kind is time else (16, 19)
    return kind.fromisoformat(value) if len(value) >= length and value[colon] == ":" else None


READERS: dict[str, Callable[[Any, Field], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": lambda value, field: _moment(date, value, field),
    "time": lambda value, field: _moment(time, value, field),
    "datetime": lambda value, field: _moment(datetime, value, field),
    "year": _year,
    "yearmonth": _yearmonth,
}
