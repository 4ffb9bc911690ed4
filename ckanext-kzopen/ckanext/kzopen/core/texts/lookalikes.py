"""Letters of the wrong alphabet inside a word: a Latin `a` in a Cyrillic word, or a Cyrillic `а` in a Latin one.

Such words look right and are never found; the real registers are full of them (Kazakh `і`, `һ`, `ү` typed as Latin `i`,
`h`, `Y`). Only letters that have a twin of the same shape are named; a word of only such letters has no alphabet of its
own and is left alone unless other letters speak for one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_TO_CYRILLIC = dict(zip("ABCEHIKMOPTXYaceiopxyhÖöƏə", "АВСЕНІКМОРТХУасеіорхуһӨөӘә", strict=True))
_TO_LATIN = {cyrillic: latin for latin, cyrillic in _TO_CYRILLIC.items()}
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class LookAlike:
    """A word with letters of another alphabet; `at` counts characters of the text from 0, `letters` the odd ones."""

    word: str
    at: int
    letters: tuple[int, ...]
    repaired: str


def look_alikes(text: str) -> list[LookAlike]:
    """The words of `text` that mix alphabets and whose odd letters all have a twin in the word's own alphabet."""
    found = (_examine(match.group(), match.start()) for match in _WORD.finditer(text))
    return [item for item in found if item is not None]


def repaired(text: str) -> str:
    """`text` with every look-alike letter replaced by its twin."""
    for item in look_alikes(text):
        text = text[: item.at] + item.repaired + text[item.at + len(item.word) :]
    return text


def _examine(word: str, at: int) -> LookAlike | None:
    latin = [n for n, letter in enumerate(word) if _alphabet(letter) == "LATIN"]
    cyrillic = [n for n, letter in enumerate(word) if _alphabet(letter) == "CYRILLIC"]
    if not latin or not cyrillic:
        return None
    latin_only = [n for n in latin if word[n] not in _TO_CYRILLIC]
    cyrillic_only = [n for n in cyrillic if word[n] not in _TO_LATIN]
    if latin_only and cyrillic_only:
        return None
    to_cyrillic = not latin_only and (bool(cyrillic_only) or len(cyrillic) >= len(latin))
    odd, twins = (latin, _TO_CYRILLIC) if to_cyrillic else (cyrillic, _TO_LATIN)
    letters = [twins[letter] if n in odd else letter for n, letter in enumerate(word)]
    return LookAlike(word, at, tuple(at + n for n in odd), "".join(letters))


def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
