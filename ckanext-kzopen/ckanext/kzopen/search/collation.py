"""Order of names as people expect it: digits, Latin, then the Kazakh alphabet, which holds the Russian; case is ignored."""

from __future__ import annotations

import unicodedata

ALPHABET = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя"
_PLACE = {ord(letter): chr(0xE000 + place) for place, letter in enumerate(ALPHABET)}
_LONGEST = 200


def sort_key(value: str) -> str:
    """A string whose order by code points is the order of names; only the first 200 letters count."""
    return unicodedata.normalize("NFC", value).strip()[:_LONGEST].lower().translate(_PLACE)
