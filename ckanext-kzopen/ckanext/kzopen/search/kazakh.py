"""A suffix stemmer for Kazakh nouns: case, possession and number are taken off from the right, in this order.

Kazakh glues suffixes in a fixed order (stem + number + possession + case), each in several forms that follow the vowels and
the last consonant of the stem. A suffix is taken only if the vowels of the rest agree with it and at least three letters
with a vowel remain. Limits: no verbs, no dictionary, so a stem that ends like a suffix is cut too; index and query are cut
alike, so it is still found.
"""

from __future__ import annotations

from functools import cache

BACK = frozenset("аоұыуяю")
FRONT = frozenset("әөүіе")
VOWELS = BACK | FRONT | frozenset("иэё")

_CASES = (
    "ның нің дың дің тың тің "  # of
    "ға ге қа ке на не а е "  # to
    "ны ні ды ді ты ті "  # object
    "да де та те нда нде "  # in, at
    "дан ден тан тен нан нен "  # from
    "мен бен пен менен бенен пенен"  # with
).split()
_POSSESSION = ["ымыз", "іміз", "мыз", "міз", "ыңыз", "іңіз", "ңыз", "ңіз", "ым", "ім", "ың", "ің", "сы", "сі", "ы", "і"]
_NUMBER = ["лар", "лер", "дар", "дер", "тар", "тер"]
_DERIVED = ["дағы", "дегі", "тағы", "тегі", "ндағы", "ндегі"]
_LAYERS = (_DERIVED, _CASES, _POSSESSION, _NUMBER)

_SHORT = frozenset({"а", "е", "ы", "і"})
_HARDENED = {"б": "п", "г": "к", "ғ": "қ"}
_SHORTEST = 3


@cache
def _longest_first(layer: int) -> tuple[str, ...]:
    return tuple(sorted(_LAYERS[layer], key=len, reverse=True))


def _last_vowel(word: str) -> str:
    return next((letter for letter in reversed(word) if letter in VOWELS), "")


def _agrees(stem: str, suffix: str) -> bool:
    """Vowel harmony; `мен` and what mixes (и, э, loan words) agree with all."""
    vowel, wanted = _last_vowel(stem), _last_vowel(suffix)
    if not vowel:
        return False
    if suffix.endswith("ен") and suffix[0] in "мбп":
        return True
    return not (vowel in BACK and wanted in FRONT) and not (vowel in FRONT and wanted in BACK)


def _fits(stem: str, suffix: str) -> bool:
    """A lone vowel follows a consonant only; after possession the case has an н of its own."""
    if len(stem) < _SHORTEST or not _agrees(stem, suffix):
        return False
    return not (suffix in _SHORT and (stem[-1] in VOWELS or len(stem) < _SHORTEST + 1))


def _strip(word: str, layer: int) -> str:
    for suffix in _longest_first(layer):
        if word.endswith(suffix) and _fits(word[: -len(suffix)], suffix):
            stem = word[: -len(suffix)]
            # The last consonant of a stem softens before a vowel: тарап, тарабы.
            return stem[:-1] + _HARDENED.get(stem[-1], stem[-1]) if suffix[0] in VOWELS else stem
    return word


def stem(word: str) -> str:
    """The word without its endings of case, possession and number; `word` is in lower case."""
    for layer in range(len(_LAYERS)):
        word = _strip(word, layer)
    return word
