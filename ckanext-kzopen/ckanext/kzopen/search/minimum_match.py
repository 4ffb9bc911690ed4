"""Solr's `mm`: how many words of free text must occur."""

from __future__ import annotations

import re
from functools import lru_cache

_CONDITION = re.compile(r"(\d+)<(-?\d+%?)")
_AMOUNT = re.compile(r"(-?\d+)(%?)")


@lru_cache(maxsize=1_000)
def count(rule: str, words: int) -> int:
    """The number of `words` that must occur, 0 to all.

    `3` three of them, `-1` all but one, `75%` rounded down, `-25%` all but a quarter rounded down; `2<-1 5<80%`: all of up to
    two, all but one of three to five, 80% of more. What cannot be read demands all words.
    """
    conditions = _CONDITION.findall(rule)
    if not conditions:
        return _amount(rule.strip(), words)
    applied = words
    for threshold, amount in sorted(conditions, key=lambda pair: int(pair[0])):
        if words > int(threshold):
            applied = _amount(amount, words)
    return applied


def _amount(amount: str, words: int) -> int:
    match = _AMOUNT.fullmatch(amount)
    if match is None:
        return words
    number = int(match[1])
    if match[2]:
        number = int(words * number / 100)
    return max(0, min(words, words + number if number < 0 or amount.startswith("-") else number))
