"""Text → tokens, the same at index and at query, for every engine.

Kazakh, Russian and English stand mixed in one text. A word with a letter that only one language has is of that language; one
without is of the language of its neighbours, and by its letters and endings alone where it has none. A word becomes exactly
one token, so tokens joined by spaces keep the order of the words, and phrases work in any engine that splits at spaces. What
else a word may mean (another reading, another alphabet) is asked for by the query: `forms`.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import snowballstemmer
from ckanext.kzopen.search import alphabets, kazakh

VERSION = 4
"""Raise it when tokens or hashes change: documents of another version are computed anew at the next start."""

GAP = "\u2205"
"""Stands between two values of one field, so that no phrase reaches from one into the other."""

_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"[\u0300-\u036f]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_KAZAKH = re.compile("[әғқңөұүһі]")
_RUSSIAN = re.compile(
    r"[щъьэёцч]|^(?:и|в|на|по|с|о|от|для|из|об|не|или|к|до|при|за|во|со|их|его|год|года|область|области)$"
    r"|.{3}(?:ый|ий|ая|яя|ое|ые|ие|ого|его|ому|ему|ых|их|ыми|ими|ой|ией|ов|ев|ами|ями|ах|ях|ия|ии|ию)$"
)
"""What shows that a word is Russian; a word of another language may end so too, but seldom with Kazakh neighbours."""
_KAZAKH_WORDS = frozenset(
    re.findall(
        r"\w+",
        """мен туралы бойынша орта орталау мектеп мектебі сатып алу шарт жол жер мал алып беру деректер салалары саласы жобалар
        облысы ауданы арналған жылдар заттар болып табылады саны тарих даму шаралар кен""",
    )
)
"""Frequent words without a Kazakh letter that are not Russian."""
_KAZAKH_ENDING = re.compile(
    r"(?:(?:лар|лер|дар|дер|тар|тер)(?:да|де|та|те|дан|ден|тан|тен|ды|ты|ы|ымен|ында|ынан|ына|мен)?|[сы]ында|[сы]ынан|[сы]ымен)$"
)
_RUSSIAN_ONLY = frozenset("фцчщъьэ")
_CONSONANTS = "бвгджзклмнпрстфхцчшщ"
_FLEETING = re.compile(rf"(?:(?<=[аеиоуыэюя].[{_CONSONANTS}])|(?<=[аеиоуыэюя][{_CONSONANTS}]))[ое](?=[кнц]$)")
"""The vowel that comes and goes: участок, участка; перечень, перечня."""
_SHORTEST_UNMARKED = 3
_SHORTEST_STEM = 3
_NEAR = 3
"""Words on either side that tell the language of one that does not tell it itself."""
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


def tokens(text: str) -> list[str]:
    """The tokens of a text, one for each word, in its order."""
    found = words(text)
    return [token(word, among) for word, among in zip(found, _languages(found), strict=True)]


def line(text: str) -> str:
    """The tokens of a text, joined by spaces."""
    return " ".join(tokens(text))


def joined(values: Iterable[str], line: Callable[[str], str] = line) -> str:
    """The tokens of all values of a field as one string, with a gap between the values; `line` may be one that remembers."""
    return f" {GAP} ".join(found for found in map(line, values) if found)


def _languages(found: Sequence[str]) -> list[bool]:
    """For each word whether the words around it are Kazakh; the nearest that shows its language decides."""
    shown = [_shown(word) for word in found]
    if True not in shown:
        return [False] * len(found)
    near = [False] * len(found)
    for place, known in enumerate(shown):
        if known is None:
            near[place] = _nearest(shown, place)
    return near


def _nearest(shown: Sequence[bool | None], place: int) -> bool:
    for distance in range(1, _NEAR + 1):
        sides = [shown[at] for at in (place - distance, place + distance) if 0 <= at < len(shown)]
        if True in sides:
            return False not in sides
        if False in sides:
            return False
    return False


@lru_cache(maxsize=50_000)
def _shown(word: str) -> bool | None:
    """Whether the word itself shows that it is Kazakh (True), or Russian or English (False)."""
    if not _CYRILLIC.search(word):
        return False if word.isalpha() else None
    if _KAZAKH.search(word) or word in _KAZAKH_WORDS:
        return True
    return False if _RUSSIAN.search(word) else None


@lru_cache(maxsize=100_000)
def token(word: str, among_kazakh: bool = False) -> str:
    """The form under which a word (in lower case) is found; `among_kazakh` decides where the word does not."""
    word = alphabets.one_alphabet(word[:_LONGEST])
    if _CYRILLIC.search(word):
        return _cyrillic(word, among_kazakh)
    if word.isascii() and not word.isalpha():
        return word
    plain = _MARKS.sub("", unicodedata.normalize("NFD", word))
    return str(_stemmers.english.stemWord(plain))


def _cyrillic(word: str, among_kazakh: bool) -> str:
    """Kazakh endings first, then Russian ones, for a loan word has both; last the letters as Russian keyboards write them.

    So қазақстан, казакстан and қазақстанның become one token, whoever typed them.
    """
    if _is_kazakh(word) or (among_kazakh and word not in kazakh.LOANS):
        word = kazakh.stem(word)
        if _KAZAKH.search(word):
            return alphabets.folded(word)
    if kazakh.COUNTRIES.search(word):
        return alphabets.folded(word)
    stem = _FLEETING.sub("", str(_stemmers.russian.stemWord(word.translate(alphabets.FOLD))))
    return alphabets.folded(stem if len(stem) >= _SHORTEST_STEM else word)


def _is_kazakh(word: str) -> bool:
    """A letter that only Kazakh has; or an ending of Kazakh, long enough not to be a Russian word such as тендер."""
    if word in kazakh.LOANS:
        return False
    if _KAZAKH.search(word):
        return True
    ending = _KAZAKH_ENDING.search(word)
    return ending is not None and ending.start() >= _SHORTEST_UNMARKED and _RUSSIAN_ONLY.isdisjoint(word)


def in_cyrillic(name: str) -> str:
    """The words of a name in Latin letters (`zhumyspen_kamtylgan_halyk1`) as Kazakh and Russian titles spell them."""
    spelt = [alphabets.from_latin(word.rstrip("0123456789")) for word in words(name)]
    return " ".join(alphabets.with_kazakh_letters(found[0]) for found in spelt if found and len(found[0]) > _SHORTEST_STEM)


def readings(word: str) -> set[str]:
    """The tokens that a word of a text may have, whatever its neighbours are."""
    return {token(part, among) for part in words(word) for among in (False, True)}


@lru_cache(maxsize=20_000)
def forms(word: str) -> tuple[str, ...]:
    """Other tokens under which a word of a query (in lower case) may be found, without its own.

    A word without Kazakh letters may be Kazakh all the same, with its letters or without; one in Latin letters may stand for
    one in Cyrillic. One with some may lack others (каланың for қаланың), so its stem counts before a Russian ending is off it.
    """
    own = token(word)
    if not word.isalpha() or len(word) <= _SHORTEST_STEM:
        return ()
    if _KAZAKH.search(word):
        whole = alphabets.folded(kazakh.stem(word))
        return (whole,) if whole != own and len(whole) >= _SHORTEST_STEM else ()
    readings = [word] if _CYRILLIC.search(word) else alphabets.from_latin(word)
    found = [] if _CYRILLIC.search(word) else [token(reading) for reading in readings]
    found += [token(word, True), *(alphabets.folded(kazakh.stem(alphabets.with_kazakh_letters(one))) for one in readings)]
    return tuple(form for form in dict.fromkeys(found) if form != own and len(form) >= _SHORTEST_STEM)
