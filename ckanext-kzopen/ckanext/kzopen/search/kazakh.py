"""A suffix stemmer for Kazakh nouns: case, possession and number are taken off from the right, in this order.

Kazakh glues suffixes in a fixed order (stem + number + possession + case), each in several forms that follow the vowels and
the last consonant of the stem. A suffix is taken only if the vowels of the rest agree with it and enough
of the word remains. Limits: no verbs, no dictionary, so a stem that ends like a suffix is cut too; index and query are cut
alike, so it is still found.
"""

from __future__ import annotations

from functools import cache

BACK = frozenset("аоұыуяю")
FRONT = frozenset("әөүіе")
VOWELS = BACK | FRONT | frozenset("иэё")

_CASES = (
    *("ның", "нің", "дың", "дің", "тың", "тің"),  # of
    *("ға", "ге", "қа", "ке", "на", "не"),  # to
    *("ны", "ні", "ды", "ді", "ты", "ті"),  # object
    *("да", "де", "та", "те", "нда", "нде"),  # in, at
    *("дан", "ден", "тан", "тен", "нан", "нен"),  # from
    *("мен", "бен", "пен", "менен", "бенен", "пенен"),  # with
)
_POSSESSION = (
    *("ымыз", "іміз", "мыз", "міз", "ыңыз", "іңіз", "ңыз", "ңіз"),
    *("ым", "ім", "ың", "ің", "сы", "сі", "ы", "і"),
)
_NUMBER = ("лар", "лер", "дар", "дер", "тар", "тер")
_DERIVED = ("дағы", "дегі", "тағы", "тегі", "ндағы", "ндегі")
_LAYERS = (_DERIVED, _CASES, _POSSESSION, _NUMBER)

_HARDENED = {"б": "п", "г": "к", "ғ": "қ"}
_SHORTEST = 2

_VOICELESS = frozenset("қкпстшщчцхфһбвгд")
_VOICED = VOWELS | frozenset("рлймнңзжв")
_AFTER: dict[str, frozenset[str]] = {
    **dict.fromkeys("тқкп", _VOICELESS),
    **dict.fromkeys("дғг", _VOICED),
    "н": VOWELS | frozenset("мнң"),
    "л": VOWELS | frozenset("рй"),
    "м": VOWELS | frozenset("рлймнң"),
    "б": frozenset("зж"),
    "с": VOWELS,
    "ң": VOWELS,
    **dict.fromkeys(("дар", "дер"), frozenset("лмнңзж")),
    **dict.fromkeys(("на", "не", "нда", "нде", "нан", "нен"), frozenset("ыі")),
}
"""After which letters a suffix, or any that begins with this letter, may stand; one with a vowel first follows consonants."""
_COUNTRY = "стан"  # қазақстан is a name, not a noun in the ablative
_DOERS = ("шы", "ші")
LOANS = frozenset(
    [
        "тендер",
        "гендер",
        "лидер",
        "гектар",
        "доллар",
        "характер",
        "мастер",
        "бухгалтер",
        "трейдер",
        "провайдер",
        "принтер",
        "свитер",
        "санитар",
        "компьютер",
        "литр",
        "кредитор",
        "катер",
        "ордер",
        "радар",
        "дар",
        "удар",
        "шифер",
        "календар",
        "секретар",
    ]
)
"""Words of other languages that end like a plural; in lower case, as Kazakh texts write them."""


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
    """Whether the suffix may follow the last letter of the stem, by consonants and vowels, and leaves enough of it."""
    if len(stem) < _SHORTEST or not _agrees(stem, suffix):
        return False
    if suffix[0] in VOWELS:
        return stem[-1] not in VOWELS and len(stem) > _SHORTEST
    if suffix in ("сы", "сі") and stem[-1] in "ыі":
        return stem.endswith(_DOERS)  # оқушы-сы, but облыс-ы
    return stem[-1] in _AFTER.get(suffix, _AFTER[suffix[0]])


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
        if word in LOANS or (word.endswith(_COUNTRY) and len(word) > len(_COUNTRY) + 2):
            return word
        word = _strip(word, layer)
    return word
