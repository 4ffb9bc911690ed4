"""Words that nothing holds, and the nearest that something does: typing errors and the wrong keyboard.

There is no list of all words that could betray one: words come only from documents that the same reader may find, and the
engine itself finds those.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from ckanext.kzopen.search import alphabets, analysis, lucene, wording
from ckanext.kzopen.search.engines.base import Answer, Reader, Search
from ckanext.kzopen.search.tree import Also, Fuzzy, Node, Occur, Word, Words, either

PUBLIC = frozenset({"public"})
FIELDS = (("name", 4.0), ("title", 4.0), ("tags", 2.0), ("groups", 2.0), ("text", 1.0))
_MOST_WORDS = 8
"""Words of a query, and runs of letters in those that are unknown, that are looked up; a sentence is not corrected."""
_LONGEST = 40
"""Letters of a run that is looked up."""
_LOOKED_AT = 40
"""Documents in which the nearest word is looked for."""
_SHORTEST, _SHORTEST_FOR_TWO = 5, 6
"""Letters of a word that may differ in one place, and in two."""
_CORRECTED = 0.8
_FEWEST_TO_HALVE = 2
_TEXTS = frozenset({"title", "title_translated", "extras_title_translated", "notes", "name", "tags", "res_name", "columns"})
_RUN = re.compile(r"(?<!\w)[^\W\d_]+(?!\w|:\S|[*~]|\?\w)")
"""Letters that may be a misspelt word: no part of a code, of a pattern or of the name of a field."""


@dataclass(frozen=True)
class _Asking:
    """Who asks, and of which engine."""

    reader: Reader
    labels: frozenset[str] | None
    filters: tuple[Node, ...] = ()

    def count(self, query: Node) -> int:
        return self.reader.search(Search(query, self.labels, self.filters, rows=0)).hits

    def texts(self, query: Node) -> Iterator[str]:
        """All that is shown of the documents that hold one of the words."""
        found = self.reader.search(Search(query, self.labels, self.filters, rows=_LOOKED_AT, wanted=_TEXTS))
        for document in found.documents:
            for value in document.values():
                yield from (str(one) for one in (value if isinstance(value, list) else [value]))


class Taken(StrEnum):
    """How the words of a query were taken: as typed, with the nearest known ones beside them, or half of those will do.

    The values are told by the APIs.
    """

    AS_TYPED = "as_typed"
    NEAREST = "nearest_words"
    SOME = "some_of_the_words"


@dataclass(frozen=True)
class Correction:
    """What a query was meant to be: its unknown runs of letters one by one, or the whole on another keyboard."""

    runs: Mapping[str, str]
    whole: str | None = None

    def of(self, text: str) -> str:
        """The text as it was meant; signs, digits and the words that are known stay as they are."""
        return _RUN.sub(lambda found: self.runs.get(found[0], found[0]), text) if self.whole is None else self.whole

    def read(self, query: Words) -> Words:
        """The query with the nearest known words beside the unknown ones, or that of the other keyboard."""
        if self.whole is None:
            return replace(query, words=tuple(_with(word, self.of(word.text)) for word in query.words))
        read = lucene.free_words(self.whole, query.fields, str(query.minimum), query.tie)
        return read if isinstance(read, Words) else query


@dataclass(frozen=True)
class Forgiven:
    """An answer, the query that it is to, and how that came of the words that were typed."""

    answer: Answer
    query: Node
    taken: Taken = Taken.AS_TYPED
    correction: Correction | None = None


def suggest(
    query: str, labels: frozenset[str] | None = PUBLIC, reader: Reader | None = None, filters: tuple[Node, ...] = ()
) -> str | None:
    """The query as it was probably meant, when some of its words are nowhere; None when there is nothing better.

    Asks the engine a few times: call it when the query itself found little. `labels` are those of the reader; the default
    knows public documents only. Words are known when a document has them that fits `filters`. Raises EngineError when the
    engine is away.
    """
    if reader is None:
        from ckanext.kzopen.search import connection

        reader = connection.reader()
    correction = _correction(_Asking(reader, labels, filters), wording.understood(lucene.typed(query)), query)
    return correction.of(query) if correction else None


def forgiving(reader: Reader, search: Search, known_in: tuple[Node, ...], taken: Taken | None = None) -> Forgiven:
    """The answer to a search; when nothing holds its words, that to the nearest known words, or to half of its words.

    Words are known when a document has them that fits `known_in`, whatever else is asked of hits: a filter makes no word
    misspelt. `taken` asks for one way of taking them and no other: further pages of a list are of one piece with its first.
    """
    if taken is Taken.AS_TYPED:
        return Forgiven(reader.search(search), search.query)
    first: Forgiven | None = None
    for way, query, correction in _ways(_Asking(reader, search.labels, known_in), search.query):
        if taken in (None, way):
            found = Forgiven(reader.search(replace(search, query=query)), query, way, correction)
            if found.answer.hits:
                return found
            first = first or found
    return first or Forgiven(reader.search(search), search.query)


def _ways(asking: _Asking, query: Node) -> Iterator[tuple[Taken, Node, Correction | None]]:
    """The ways of taking a query, the nearest to what was typed first."""
    yield Taken.AS_TYPED, query, None
    if not isinstance(query, Words) or not all(_open(word) for word in query.words):
        return
    correction = _correction(asking, query.words, " ".join(word.text for word in query.words))
    meant = correction.read(query) if correction else query
    if correction:
        yield Taken.NEAREST, meant, correction
    if meant.minimum >= _FEWEST_TO_HALVE:
        yield Taken.SOME, replace(meant, minimum=meant.minimum // 2), correction


def _correction(asking: _Asking, words: Sequence[Word], text: str) -> Correction | None:
    """What the unknown ones of the words were meant to be; `text` is what was typed."""
    looked_up = [word for word in words if _open(word)][:_MOST_WORDS]
    unknown = [word for word in looked_up if not _known(asking, word)]
    if unknown and len(unknown) == len(looked_up):
        for other in alphabets.on_other_keyboards(text):
            if asking.count(lucene.free_words(other, FIELDS, "100%")):
                return Correction({}, other)
    runs = {run: nearest for run in _unknown_runs(asking, unknown) if (nearest := _nearest(asking, run))}
    return Correction(runs) if runs else None


def _unknown_runs(asking: _Asking, words: Sequence[Word]) -> Iterator[str]:
    """The parts of unknown words that are unknown themselves: of `a-b,` it may be `b` only."""
    runs = ((word, run) for word in words for run in _RUN.findall(word.text) if len(run) <= _LONGEST)
    for word, run in islice(runs, _MOST_WORDS):
        if run == word.text or not _known(asking, Word(run)):
            yield run


def _with(word: Word, nearest: str) -> Word:
    """The word with the nearest one beside it, and all that that one may mean."""
    if nearest == word.text:
        return word
    read = lucene.free_words(nearest, FIELDS, "100%")
    meanings = read.words[0].also if isinstance(read, Words) else ()
    return replace(word, also=(Also(tuple(analysis.tokens(nearest)), _CORRECTED), *meanings))


def _open(word: Word) -> bool:
    """Whether another word will do: what is quoted, demanded or forbidden is meant as it stands."""
    return word.occur is Occur.MAY and not word.phrase


def _known(asking: _Asking, word: Word) -> bool:
    return len(word.text) < _SHORTEST or asking.count(Words((word,), FIELDS, 1)) > 0


def _nearest(asking: _Asking, word: str) -> str | None:
    """The known word with the fewest letters to change; of equally near ones that which stands in most documents."""
    readings = [word.lower(), *alphabets.from_latin(word.lower())]
    most = 0 if len(word) < _SHORTEST else 1 if len(word) < _SHORTEST_FOR_TWO else 2
    for distance in range(1, most + 1):
        near = either(*(Fuzzy("text", reading, distance) for reading in readings))
        tokens = {token for reading in readings for token in analysis.tokens(reading)}
        seen = Counter(known for text in asking.texts(near) for known in set(analysis.words(text)) if known.isalpha())
        found = [known for known in seen if _within(analysis.token(known), tokens, distance)]
        if found:
            return max(found, key=lambda known: (seen[known], known))
    return None


def _within(token: str, others: set[str], distance: int) -> bool:
    return any(abs(len(token) - len(other)) <= distance and changes(token, other) <= distance for other in others)


def changes(one: str, other: str) -> int:
    """Letters to add, drop, change or swap with their neighbour, to make one word of the other."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, rows[i - 2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
