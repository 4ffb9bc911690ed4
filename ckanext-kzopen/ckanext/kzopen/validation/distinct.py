"""The distinct texts of a long column, strip by strip: to know all of a million at once takes more room than the column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import polars as pl

STRIP = 100_000
"""Cells of a column that are looked at together: what is needed on the way takes several times their room."""
PARTS = 10
"""As many of them look through a million texts in less room than one, and no slower."""
AT_ONCE = 50_000
"""Texts that are there as Python's at a time: these take ten times the room of polars'."""
KNOWN = pl.Schema({"text": pl.String, "times": pl.UInt32})
Mask = Callable[[pl.Series], pl.Series]
"""Which of some texts are wanted."""


def strips(cells: pl.Series) -> Iterator[pl.Series]:
    """The cells in order, STRIP of them at a time; at least one strip, which may be empty."""
    for start in range(0, len(cells) or 1, STRIP):
        yield cells.slice(start, STRIP)


def masked(texts: pl.Series, mask: Mask) -> pl.Series:
    """The mask of a long column, strip by strip."""
    return pl.concat([mask(strip) for strip in strips(texts)])


def each(texts: pl.Series) -> Iterator[str]:
    """The texts one by one; few of them are Python's at a time."""
    for start in range(0, len(texts), AT_ONCE):
        yield from texts.slice(start, AT_ONCE).to_list()


def distinct(parts: Iterable[pl.Series], odd: Mask | None = None) -> pl.DataFrame:
    """The `text`s of the parts that are `odd`, in the order in which they come, and how many `times` each stands there.

    Where they are many and nearly all differ, they are distinct within each part only: a text of two parts is there twice.
    """
    found = [_of_part(part.drop_nulls(), odd) for part in parts]
    whole = pl.concat(found)
    if len(found) == 1 or (len(whole) > STRIP and whole.select(pl.col("text").approx_n_unique()).item() * 2 > len(whole)):
        return whole
    return whole.group_by("text", maintain_order=True).agg(pl.col("times").sum())


def _of_part(texts: pl.Series, odd: Mask | None) -> pl.DataFrame:
    frame = pl.DataFrame({"text": texts.unique(maintain_order=True), "times": texts.unique_counts()}, schema=KNOWN)
    return frame if odd is None else frame.filter(odd(frame["text"]))


def are_in(texts: pl.Series, wanted: pl.Series) -> pl.Series:
    """Which of the texts are among the wanted ones; of many wanted ones, only those of a part are hashed at a time.

    All wanted ones are looked through for each part, so there are few parts.
    """
    if len(wanted) <= STRIP:
        return masked(texts, lambda strip: strip.is_in(wanted))
    length = max(STRIP, len(wanted) // PARTS)
    parts = (texts.slice(start, length) for start in range(0, len(texts) or 1, length))
    return pl.concat([part.is_in(wanted.filter(wanted.is_in(part))) for part in parts])
