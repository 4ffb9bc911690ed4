"""Words that nothing holds, and the nearest that something does: typing errors and the wrong keyboard.

There is no list of all words that could betray one: words come only from documents that the same reader may find, and the
engine itself finds those.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ckanext.kzopen.search import alphabets, analysis, lucene
from ckanext.kzopen.search.engines.base import Answer, Reader, Search
from ckanext.kzopen.search.tree import Also, Fuzzy, Node, Occur, Word, Words, either

PUBLIC = frozenset({"public"})
FIELDS = (("name", 4.0), ("title", 4.0), ("tags", 2.0), ("groups", 2.0), ("text", 1.0))
_MOST_WORDS = 8
"""Words of a query that are looked up; a sentence is not corrected."""
_LOOKED_AT = 40
"""Documents in which the nearest word is looked for."""
_SHORTEST, _SHORTEST_FOR_TWO = 4, 6
"""Letters of a word that may differ in one place, and in two."""
_CORRECTED = 0.8
_FEWEST_TO_HALVE = 2
_TEXTS = frozenset({"title", "title_translated", "extras_title_translated", "notes", "name", "tags", "res_name", "columns"})
_LETTERS = re.compile(r"[^\W\d_]+")


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


def suggest(query: str, labels: frozenset[str] | None = PUBLIC, reader: Reader | None = None) -> str | None:
    """The query as it was probably meant, when some of its words are nowhere; None when there is nothing better.

    Asks the engine a few times: call it when the query itself found little. `labels` are those of the reader; the default
    knows public documents only. Raises EngineError when the engine is away.
    """
    if reader is None:
        from ckanext.kzopen.search import connection

        reader = connection.reader()
    asking = _Asking(reader, labels)
    words = [word for word in lucene.typed(query) if _open(word)][:_MOST_WORDS]
    unknown = [word for word in words if not _known(asking, word)]
    if not unknown:
        return None
    if len(unknown) == len(words):
        for other in alphabets.on_other_keyboards(query):
            if asking.count(lucene.free_words(other, FIELDS, "100%")):
                return other
    better = {word.text: nearest for word in unknown if (nearest := _nearest(asking, word.text))}
    if not better:
        return None
    return _LETTERS.sub(lambda found: better.get(found[0], found[0]), query)


def forgiving(reader: Reader, search: Search) -> Answer:
    """The answer to a search; when nothing holds its words, that to the nearest known words, or to half of its words."""
    answer = reader.search(search)
    if answer.hits or not isinstance(search.query, Words) or not all(_open(word) for word in search.query.words):
        return answer
    meant = _meant(_Asking(reader, search.labels, search.filters), search.query)
    if meant is not None:
        answer = reader.search(replace(search, query=meant))
    query = meant or search.query
    if answer.hits or query.minimum < _FEWEST_TO_HALVE:
        return answer
    return reader.search(replace(search, query=replace(query, minimum=query.minimum // 2)))


def _meant(asking: _Asking, query: Words) -> Words | None:
    """The query with the nearest known words beside the unknown ones; None when none is near."""
    unknown = [word for word in query.words[:_MOST_WORDS] if _open(word) and not _known(asking, word)]
    if not unknown:
        return None
    if len(unknown) == len(query.words):
        for other in alphabets.on_other_keyboards(" ".join(word.text for word in query.words)):
            read = lucene.free_words(other, query.fields, str(query.minimum), query.tie)
            if asking.count(read):
                return read if isinstance(read, Words) else None
    better = {word: nearest for word in unknown if (nearest := _nearest(asking, word.text))}
    if not better:
        return None
    return replace(query, words=tuple(_with(word, better.get(word)) for word in query.words))


def _with(word: Word, nearest: str | None) -> Word:
    """The word, or the nearest one with all that that one may mean."""
    if nearest is None:
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
