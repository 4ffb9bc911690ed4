"""Text → tokens, the same at index and at query, for every engine.

Kazakh, Russian and English stand mixed in one text, so the language is decided word by word, by the letters alone: a query has
no other context, and index and query must agree. A word becomes exactly one token, so tokens joined by spaces keep the order
of the words, and phrases work in any engine that splits at spaces.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import snowballstemmer
from ckanext.kzopen.search import kazakh

VERSION = 1
"""Raise it when tokens change: documents with tokens of another version are analysed anew at the next rebuild."""

GAP = "\u2205"
"""Stands between two values of one field, so that no phrase reaches from one into the other."""

_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"[\u0300-\u036f]")
_KAZAKH = frozenset("әғқңөұүһі")
_RUSSIAN_ONLY = frozenset("фцчщъьэ")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = re.compile(r"[a-z]")
_LOOK_ALIKE = str.maketrans("aceopxykhtmb", "асеорхукнтмв")
_FOLD = str.maketrans("әқңғүұһөіё", "акнгуухоие")
_KAZAKH_ENDING = re.compile(r"(лар|лер|дар|дер|тар|тер)(да|де|та|те|дан|ден|тан|тен|ды|ты|ы|ымен|ында|ынан|ына|мен)?$")
_SHORTEST_UNMARKED = 3
_SHORTEST_STEM = 3
_LONGEST = 100


class _Stemmers(threading.local):
    """A Snowball stemmer keeps the word that it works on in itself, so each thread has its own."""

    def __init__(self) -> None:
        self.russian = snowballstemmer.stemmer("russian")
        self.english = snowballstemmer.stemmer("english")


_stemmers = _Stemmers()


def words(text: str) -> list[str]:
    """The words of a text in lower case, composed (NFC); digits are words, an underscore separates."""
    return _WORD.findall(unicodedata.normalize("NFKC", text.replace("№", " ")).lower())


@lru_cache(maxsize=50_000)
def token(word: str) -> str:
    """The form under which a word (in lower case) is found."""
    word = word[:_LONGEST]
    if _CYRILLIC.search(word):
        return _cyrillic(word.translate(_LOOK_ALIKE) if _LATIN.search(word) else word)
    if word.isascii() and not word.isalpha():
        return word
    plain = _MARKS.sub("", unicodedata.normalize("NFD", word))
    return str(_stemmers.english.stemWord(plain))


def _cyrillic(word: str) -> str:
    """Kazakh endings first, then its letters as Russian keyboards write them, then Russian endings.

    So қазақстан, казакстан and қазақстанның become one token, whoever typed them.
    """
    if _is_kazakh(word):
        word = kazakh.stem(word)
    word = word.translate(_FOLD)
    stem = str(_stemmers.russian.stemWord(word))
    return stem if len(stem) >= _SHORTEST_STEM else word


def _is_kazakh(word: str) -> bool:
    """A letter that only Kazakh has; or a plural of Kazakh, long enough not to be a Russian word such as тендер."""
    if not _KAZAKH.isdisjoint(word) or word in kazakh.LOANS:
        return word not in kazakh.LOANS
    ending = _KAZAKH_ENDING.search(word)
    return ending is not None and ending.start() >= _SHORTEST_UNMARKED and _RUSSIAN_ONLY.isdisjoint(word)


def tokens(text: str) -> list[str]:
    """The tokens of a text, one for each word, in its order."""
    return [token(word) for word in words(text)]


def joined(values: Iterable[str]) -> str:
    """The tokens of all values of a field as one string, with a gap between the values."""
    return f" {GAP} ".join(line for line in (" ".join(tokens(value)) for value in values) if line)
