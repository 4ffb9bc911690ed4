"""Words and signs that say that there is no value, or that answer yes or no."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from ckanext.kzopen.validation.infer import NOTHING
from ckanext.kzopen.validation.repairs.letters import of_one_alphabet

BLANK = " \t\r\n\u00a0\u200b\ufeff"
BARE_NO = frozenset({"нет", "жоқ"})
"""Words that say in a column of codes or days that there is none, but among numbers zero, and among others an answer."""
MARKS = frozenset({"x", "х", "*"})
"""Signs that stand for no value in a table of numbers, and may mark something elsewhere."""
NO_VALUE = BARE_NO | {word.casefold() for word in NOTHING} | {
    "не указано", "не указан", "не указана", "көрсетілмеген", "б/д", "нет сведений", "мәлімет жоқ", "дерек жоқ",
    "жоқ деректер", "none", "#н/д", "#n/a",
}  # fmt: skip
ONLY_SIGNS = re.compile(r"[*.…\-–—_]+")
NOT_MISSING: Mapping[str, frozenset[str]] = {
    "number": BARE_NO,
    "whole": BARE_NO,
    "text": BARE_NO | MARKS,
    "boolean": BARE_NO | MARKS,
    "other": BARE_NO,
}
"""What a column of a kind does not take for a missing value."""

YES = frozenset({"иә", "ия", "бар", "да", "есть", "истина", "yes", "y", "true", "1", "+"})
NO = frozenset({"жоқ", "нет", "ложь", "no", "n", "false", "0"})
PLUS, DASHES = "+", frozenset("-–—−")


def stands_for_nothing(text: str) -> bool:
    """Whether a cell says in words or signs that there is no value."""
    return text.casefold() in NO_VALUE or ONLY_SIGNS.fullmatch(text) is not None


def is_missing(text: str, kind: str) -> bool:
    """The same in a column of this kind, where some of the words may be answers."""
    return stands_for_nothing(text) and text.casefold() not in NOT_MISSING.get(kind, frozenset())


def answers_of(values: Iterable[str], yes: Collection[str], no: Collection[str]) -> Callable[[str], bool | None]:
    """What a value answers that is a word of yes or no in kk, ru or en, or in a schema's own words (`yes`, `no`), whatever
    its case, its blanks and the alphabet of its letters. A dash is a no only where a plus is among the values too."""
    own = {_bare(word): False for word in no} | {_bare(word): True for word in yes}
    known = dict.fromkeys(NO, False) | dict.fromkeys(YES, True)
    if PLUS in own or any(_bare(value) == PLUS for value in values):
        known |= dict.fromkeys(DASHES, False)
    known |= own
    return lambda value: known.get(_bare(value))


def _bare(value: str) -> str:
    return of_one_alphabet(value.strip(BLANK).casefold())
