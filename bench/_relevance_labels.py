"""The queries of `bench relevance`, what is relevant to them, and how well a list of documents serves them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("relevance")
HELD_OUT = 3
"""Every third query is not looked at while the ranking is tuned."""


@dataclass(frozen=True)
class Query:
    """What somebody types; `kind` says what is hard about it."""

    number: int
    language: str
    kind: str
    text: str

    @property
    def held_out(self) -> bool:
        """Whether tuning leaves it alone."""
        return self.number % HELD_OUT == 0


Labels = dict[int, dict[str, int]]
"""By query and document: 2 what was meant, 1 of use, 0 not."""


def _rows(name: str) -> Iterator[list[str]]:
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def queries() -> list[Query]:
    """All queries."""
    return [Query(int(number), language, kind, text) for number, language, kind, text in _rows("queries.tsv")]


def variants() -> dict[int, list[str]]:
    """Other wordings of what a query means, which widen the pool to judge; no engine is measured with them."""
    return {int(number): wordings for number, *wordings in _rows("variants.tsv")}


def labels() -> Labels:
    """All judgements."""
    found: Labels = {}
    for number, grade, identity in _rows("labels.tsv"):
        found.setdefault(int(number), {})[identity] = int(grade)
    return found


def ndcg(ranked: Sequence[str], grades: Mapping[str, int], depth: int = 10) -> float:
    """Gain of the first `depth` documents, discounted by their place, as a share of the best possible order."""
    best = _gain(sorted(grades.values(), reverse=True)[:depth])
    return _gain([grades.get(identity, 0) for identity in ranked[:depth]]) / best if best else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))


def recall(ranked: Sequence[str], grades: Mapping[str, int], depth: int = 20) -> float:
    """Share of the relevant documents, or of `depth` when there are more, among the first `depth`."""
    relevant = {identity for identity, grade in grades.items() if grade}
    return len(relevant.intersection(ranked[:depth])) / min(len(relevant), depth) if relevant else 0.0
