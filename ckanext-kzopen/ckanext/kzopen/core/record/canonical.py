"""Canonical JSON (RFC 8785): one value, one text, so that a hash of it can be made again by anybody.

Numbers are told as ECMAScript tells doubles; names are sorted by their UTF-16 code units; nothing is escaped that need not be.
"""

from __future__ import annotations

import math
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

EXACT = 2**53 - 1
"""Whole numbers up to here are doubles without loss; larger ones only when their shortest text tells them (1e21)."""


def canonical(value: Any) -> bytes:
    """The canonical text of a JSON value, in UTF-8.

    Takes what JSON has: None, bool, int, float, str, list, tuple, dict with text keys. Raises TypeError for anything else,
    ValueError for what JSON cannot tell exactly: NaN, infinities, half surrogates, whole numbers that a double does not hold.
    """
    return _text(value).encode("utf-8")


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode_basestring(name)}:{_text(value[name])}" for name in sorted(value, key=_utf16)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    raise TypeError(f"JSON has no {type(value).__name__}")


def _utf16(name: Any) -> bytes:
    if not isinstance(name, str):
        raise TypeError("names of members are texts")
    return name.encode("utf-16-be")


def _number(value: float) -> str:
    if isinstance(value, int) and abs(value) <= EXACT:
        return str(value)
    try:
        text = shortest(float(value))
    except OverflowError as error:
        raise ValueError(str(error)) from error
    if isinstance(value, int) and Decimal(text) != value:
        raise ValueError(f"{value} is more exact than a JSON number; give it as text")
    return text


def shortest(value: float) -> str:
    """A double as ECMAScript writes it: the fewest digits that give it back, exponents from 1e21 and below 1e-6."""
    if not math.isfinite(value):
        raise ValueError("JSON has no NaN and no infinity")
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    figures, point = "".join(map(str, digits)), len(digits) + int(exponent)
    return "-" * sign + _placed(figures, point)


def _placed(figures: str, point: int) -> str:
    """`figures` with the decimal point after the first `point` of them."""
    if not -6 < point <= 21:
        exponent = f"e{point - 1:+d}"
        return f"{figures[0]}.{figures[1:]}{exponent}" if figures[1:] else figures + exponent
    if point <= 0:
        return "0." + "0" * -point + figures
    whole = figures[:point].ljust(point, "0")
    return f"{whole}.{figures[point:]}" if figures[point:] else whole
