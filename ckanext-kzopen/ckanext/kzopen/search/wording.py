"""What the words of free text may mean besides themselves: other words, another alphabet; and which of them say nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ckanext.kzopen.search import analysis, synonyms
from ckanext.kzopen.search.tree import Also, Occur, Word

OTHER_READING = 0.9
SAME_MEANING = 0.5
PART_OF_A_LONGER_ONE = 0.3
"""How much a hit counts that holds the word in another reading, a word of the same meaning, or one for a part of a wording."""

_CODE = re.compile(r"(?=.*\d)[^\W_]+(?:[-/.\u2013][^\W_]+)+")


def understood(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words with what they may mean besides; without those that say nothing, unless there are no others."""
    plain = [replace(word, phrase=True) if _CODE.fullmatch(word.text) else word for word in words]
    telling = [word for word in plain if word.phrase or word.text.lower() not in synonyms.stop_words()]
    return _with_meanings(telling or plain)


def _with_meanings(words: Sequence[Word]) -> tuple[Word, ...]:
    also: list[dict[tuple[str, ...], float]] = [{} for _ in words]
    places, tokens, capitals = _flat(words)
    covered = [False] * len(tokens)
    for match in synonyms.matches(tokens, capitals):
        weight = PART_OF_A_LONGER_ONE if all(covered[match.start : match.end]) else SAME_MEANING
        for at in range(match.start, match.end):
            for other in match.others:
                also[places[at]].setdefault(other, weight)
        if match.end - match.start > 1:
            covered[match.start : match.end] = [True] * (match.end - match.start)
    for at, word in enumerate(words):
        if _open(word):
            for form in analysis.forms(word.text.lower()):
                also[at].setdefault((form,), OTHER_READING)
    return tuple(
        replace(word, also=tuple(Also(other, weight / len(other)) for other, weight in found.items())) if found else word
        for word, found in zip(words, also, strict=True)
    )


def _open(word: Word) -> bool:
    """Whether other words will do: not for what is quoted, demanded or forbidden."""
    return word.occur is Occur.MAY and not word.phrase


def _flat(words: Sequence[Word]) -> tuple[list[int], list[str], list[bool]]:
    """The tokens of all words for which others will do: of which word each is, itself, and whether it was in capitals."""
    places, tokens, capitals = [], [], []
    for place, word in enumerate(words):
        for token in analysis.tokens(word.text) if _open(word) else [analysis.GAP]:
            places.append(place)
            tokens.append(token)
            capitals.append(word.text.isupper())
    return places, tokens, capitals
