"""Ranges of exact values as patterns: tantivy takes a range of texts only through its parser, which knows few signs."""

from __future__ import annotations

from ckanext.kzopen.search.tree import Range

LONGEST = 20
"""Letters of a bound that are looked at; tantivy's patterns have a thousand states at most."""
_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
_ANY = "(?s:.)"


def pattern(node: Range) -> str | None:
    """What the values between the bounds match, compared by their code points; None when there can be none.

    One pattern for both bounds: of several values of a document, one has to lie between them.
    """
    low, high = (None if bound is None else bound[:LONGEST] for bound in (node.low, node.high))
    include_low = node.include_low or len(node.low or "") > LONGEST
    include_high = node.include_high or len(node.high or "") > LONGEST
    if high is None:
        return _least(low or "", include_low)
    if low is None:
        return _most(high, include_high)
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    tail = _between(low[same:], high[same:], include_low, include_high)
    return None if tail is None else _literal(low[:same]) + tail


def _between(low: str, high: str, include_low: bool, include_high: bool) -> str | None:
    """Bounds that differ in their first letter."""
    if not low and include_low:
        return _most(high, include_high)
    if not low:
        return _some(high, include_high)
    if low > high:
        return None
    ways = [_literal(low[0]) + _least(low[1:], include_low)]
    if (first := _next(ord(low[0]))) <= (last := _before(ord(high[0]))):
        ways.append(f"{_class(first, last)}{_ANY}*")
    if (tail := _most(high[1:], include_high)) is not None:
        ways.append(_literal(high[0]) + tail)
    return f"(?:{'|'.join(ways)})"


def _least(bound: str, included: bool) -> str:
    """Greater at the first letter that differs, or the bound and what is longer."""
    inner = "" if included else _ANY
    for letter in reversed(bound):
        greater = [_class(_next(ord(letter)), _LAST)] if ord(letter) < _LAST else []
        inner = f"(?:{'|'.join([*greater, _literal(letter) + inner])})"
    return f"{inner}{_ANY}*"


def _most(bound: str, included: bool) -> str | None:
    """Less at the first letter that differs, or a beginning of the bound, down to nothing."""
    if not bound:
        return "" if included else None
    some = _some(bound, included)
    return f"{some}?" if some else ""


def _some(bound: str, included: bool) -> str | None:
    """The same, but at least one letter."""
    if not bound:
        return None
    less = [f"{_class(0, _before(ord(bound[0])))}{_ANY}*"] if ord(bound[0]) > 0 else []
    tail = _most(bound[1:], included)
    equal = [] if tail is None else [_literal(bound[0]) + tail]
    ways = [*less, *equal]
    return f"(?:{'|'.join(ways)})" if ways else None


def _literal(text: str) -> str:
    return "".join(f"\\x{{{ord(letter):x}}}" for letter in text)


def _class(first: int, last: int) -> str:
    return f"[\\x{{{first:x}}}-\\x{{{last:x}}}]"


def _next(code: int) -> int:
    return _SURROGATES.stop if code + 1 in _SURROGATES else code + 1


def _before(code: int) -> int:
    return _SURROGATES.start - 1 if code - 1 in _SURROGATES else code - 1
