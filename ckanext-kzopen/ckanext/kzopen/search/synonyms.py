"""Which wordings mean the same, in three languages: `schemas/words`. A wording is known by its tokens, not its endings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import yaml
from ckanext.kzopen.core.yaml_source import LOADER, Source, read, schemas
from ckanext.kzopen.search import analysis

Tokens = tuple[str, ...]
T = TypeVar("T", bound=Source)
FILES = ("bodies.yaml", "terms.yaml")
_LONGEST_ABBREVIATION = 2
"""Letters of a short name that counts only in capitals: МО is a ministry, мо is nothing."""


class Group(Source):
    """Wordings that mean the same, by language."""

    kk: tuple[str, ...] = ()
    ru: tuple[str, ...] = ()
    en: tuple[str, ...] = ()


class Table(Source):
    """A file of groups."""

    groups: tuple[Group, ...]


class Stop(Source):
    """Words that say nothing of what is looked for, by language."""

    words: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Match:
    """From `start` to `end` (exclusive) the words mean what `others` say too."""

    start: int
    end: int
    others: tuple[Tokens, ...]


def _quickly(name: str, model: type[T]) -> T:
    """A file of ours, which `./kzopen check tables` has read with care, in a tenth of the time."""
    return model.model_validate(yaml.load(schemas("words", name).read_bytes(), Loader=LOADER))  # noqa: S506


def check(path: Path) -> None:
    """Read a file of words with care; raises SourceError with the line of each mistake."""
    model: type[Source] = Stop if path.name == "stop.yaml" else Table
    read(path, model)


@cache
def _groups() -> dict[Tokens, list[tuple[Tokens, ...]]]:
    """By wording without words that say nothing, as queries are asked, the groups that it stands in."""
    known: dict[Tokens, list[tuple[Tokens, ...]]] = {}
    for name in FILES:
        for group in _quickly(name, Table).groups:
            wordings = tuple(dict.fromkeys(tuple(analysis.tokens(text)) for text in (*group.kk, *group.ru, *group.en)))
            for wording in wordings:
                known.setdefault(telling(wording), []).append(wordings)
    return known


def telling(wording: Tokens) -> Tokens:
    """The tokens without those of words that say nothing."""
    return tuple(token for token in wording if token not in stop_words())


@cache
def _longest() -> int:
    return max(len(wording) for wording in _groups())


@cache
def stop_words() -> frozenset[str]:
    """Words that say nothing of what is looked for, in lower case."""
    return frozenset(word for words in _quickly("stop.yaml", Stop).words.values() for word in words)


def matches(tokens: Sequence[str], capitals: Sequence[bool]) -> Iterator[Match]:
    """All wordings that stand in the tokens, longer ones first; `capitals` tells which of them were written so."""
    known = _groups()
    for length in range(min(_longest(), len(tokens)), 0, -1):
        for start in range(len(tokens) - length + 1):
            wording = tuple(tokens[start : start + length])
            if length == 1 and len(wording[0]) <= _LONGEST_ABBREVIATION and not capitals[start]:
                continue
            for group in known.get(wording, ()):
                yield Match(start, start + length, tuple(other for other in group if telling(other) != wording))
