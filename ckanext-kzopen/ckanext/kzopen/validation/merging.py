"""Whole rows and ragged ones of a table of text, put together in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

FEW_RAGGED = 5000


def merged(frame: pl.DataFrame, ragged: Mapping[int, Sequence[str]]) -> pl.DataFrame:
    """The rows of `frame` with those of `ragged`, which stand at their positions, padded with None or cut; in chunks."""
    if not ragged:
        return frame
    width = len(frame.columns)
    padded = [[*record[:width], *[None] * (width - len(record))] for record in ragged.values()]
    extra = pl.DataFrame(padded, schema=dict.fromkeys(frame.columns, pl.String), orient="row")
    if len(ragged) > FEW_RAGGED:
        return _by_position(frame, extra, list(ragged))
    parts, start = [], 0
    for number, position in enumerate(ragged):
        end = position - number
        parts += [frame.slice(start, end - start), extra.slice(number, 1)]
        start = end
    return pl.concat([*parts, frame.slice(start)])


def _by_position(frame: pl.DataFrame, extra: pl.DataFrame, ragged: list[int]) -> pl.DataFrame:
    positions = pl.int_range(len(frame) + len(ragged), eager=True)
    whole = frame.with_columns(position=positions.filter(~positions.is_in(ragged)))
    extra = extra.with_columns(position=pl.Series(ragged, dtype=pl.Int64))
    return pl.concat([whole, extra]).sort("position").drop("position")
