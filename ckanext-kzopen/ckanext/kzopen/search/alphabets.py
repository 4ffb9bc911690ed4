"""Letters that stand in for others: look-alikes, Kazakh typed with Russian letters, Latin for Cyrillic, the wrong keyboard."""

from __future__ import annotations

import re
import unicodedata

FOLD = str.maketrans("әқңғүұһөіё", "акнгуухоие")
"""Kazakh letters as people write them on a Russian keyboard."""

_HARDENED = {"б": "п", "г": "к"}
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = re.compile(r"[a-zəɵ]")
_LOOK_ALIKE = str.maketrans("aceopxykhtmbiəɵ", "асеорхукнтмвіәө")
_ROMAN = re.compile(r"[ivxlcdmіхсм]+")
_ROMAN_LETTERS = str.maketrans("іхсм", "ixcm")

_DIGRAPHS = (
    *(("shch", "щ"), ("zh", "ж"), ("sh", "ш"), ("ch", "ч"), ("kh", "х"), ("gh", "г"), ("ts", "ц"), ("ya", "я"), ("yu", "ю")),
    *(("yo", "е"), ("ia", "ия"), ("iya", "ия")),
)
_LETTERS = {
    **dict(zip("abcdefghijklmnopqrstuvwxz", "абцдефгхижклмнопкрстувухз", strict=True)),
    **{"á": "а", "ä": "а", "ə": "а", "ó": "о", "ö": "о", "ú": "у", "ü": "у", "ū": "у", "ý": "у", "ı": "ы"},
    **{"ğ": "г", "ǵ": "г", "ñ": "н", "ń": "н", "ş": "ш", "ç": "ч"},
}
_LATIN_VOWELS = frozenset("aeiouáäəóöúüūýı")

_ENGLISH_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_RUSSIAN_KEYS = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_TO_RUSSIAN = str.maketrans(_ENGLISH_KEYS, _RUSSIAN_KEYS)
_TO_ENGLISH = str.maketrans(_RUSSIAN_KEYS, _ENGLISH_KEYS)
_KAZAKH_DIGITS = str.maketrans("23456890-=", "әіңғүұқөһъ")
"""The row of digits, where a Kazakh keyboard has the letters that a Russian one lacks."""


def one_alphabet(word: str) -> str:
    """A word of mixed letters in one alphabet: Latin look-alikes in a Cyrillic word, Cyrillic ones in a Roman number."""
    if not (_CYRILLIC.search(word) and _LATIN.search(word)):
        return "i" * len(word) if word and not word.strip("і") else word
    if _ROMAN.fullmatch(word):
        return word.translate(_ROMAN_LETTERS)
    return word.translate(_LOOK_ALIKE)


def folded(stem: str) -> str:
    """The one spelling of a Cyrillic stem: without Kazakh letters, й as и, and a last consonant as it stands at the end."""
    plain = stem.translate(FOLD).replace("й", "и")
    return plain[:-1] + _HARDENED.get(plain[-1], plain[-1]) if plain else plain


def with_kazakh_letters(word: str) -> str:
    """How a Kazakh word is spelt that was typed without Kazakh letters, as far as its endings tell: мектептин → мектептің."""
    front = max(word.rfind(vowel) for vowel in "еи") > max(word.rfind(vowel) for vowel in "аоы")
    restored = re.sub(r"и(?![аяе])", "і", word) if front else word.replace("г", "ғ").replace("к", "қ")
    return re.sub(r"([ндт][ыі])н$", r"\1ң", restored)


def from_latin(word: str) -> list[str]:
    """Cyrillic readings of a word in Latin letters, in old or new Latin script or as people transliterate.

    Kazakh letters come out as Russian ones, since that is how tokens are spelt; `y` may be a vowel or not, `ng` one letter.
    """
    word = unicodedata.normalize("NFC", word)
    if not all(letter in _LETTERS or letter == "y" for letter in word):
        return []
    readings = [_read(word, beside_vowel) for beside_vowel in "ый"]
    return list(dict.fromkeys([*readings, *(reading.replace("нг", "н") for reading in readings)]))


def _read(word: str, y_beside_vowel: str) -> str:
    found, at = [], 0
    while at < len(word):
        for digraph, letters in _DIGRAPHS:
            if word.startswith(digraph, at):
                found.append(letters)
                at += len(digraph)
                break
        else:
            beside = word[max(0, at - 1) : at] + word[at + 1 : at + 2]
            y = "ы" if _LATIN_VOWELS.isdisjoint(beside) else y_beside_vowel
            found.append(_LETTERS.get(word[at], y))
            at += 1
    return "".join(found)


def on_other_keyboards(text: str) -> list[str]:
    """What the same keys write on a Russian, Kazakh or English keyboard."""
    lower = text.lower()
    if _CYRILLIC.search(lower):
        return [lower.translate(_TO_ENGLISH)]
    return list(dict.fromkeys([lower.translate(_TO_RUSSIAN), lower.translate(_KAZAKH_DIGITS).translate(_TO_RUSSIAN)]))
