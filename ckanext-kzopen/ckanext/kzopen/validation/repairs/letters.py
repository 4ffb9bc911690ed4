"""Latin letters inside Cyrillic words, and the reverse, that look alike: a search would not find such a word."""

from __future__ import annotations

import re

LATIN = "ABCEHKMOPTXYIaceopxyi"
CYRILLIC = "АВСЕНКМОРТХУІасеорхуі"
TO_CYRILLIC = str.maketrans(LATIN, CYRILLIC)
TO_LATIN = str.maketrans(CYRILLIC, LATIN)
WORD = re.compile(r"[^\W\d_]+")
IS_LATIN = re.compile("[A-Za-z]")
IS_CYRILLIC = re.compile("[\u0400-\u04ff]")


def of_one_alphabet(text: str) -> str:
    """The text with each mixed word in the alphabet to which its other letters belong; unclear ones stay as they are."""
    return WORD.sub(lambda found: _word(found[0]), text)


def _word(word: str) -> str:
    latin, cyrillic = IS_LATIN.findall(word), IS_CYRILLIC.findall(word)
    if not latin or not cyrillic:
        return word
    alike = all(letter in LATIN for letter in latin), all(letter in CYRILLIC for letter in cyrillic)
    if alike == (True, True):
        alike = (len(cyrillic) > len(latin), len(latin) > len(cyrillic))
    if alike == (True, False):
        return word.translate(TO_CYRILLIC)
    return word.translate(TO_LATIN) if alike == (False, True) else word
