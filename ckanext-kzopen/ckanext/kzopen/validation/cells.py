"""What a delivery's bytes turn out to hold: a header and cells as they stand in the file, before any schema is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # reports are read in web processes, which do without polars
    import polars as pl


@dataclass(frozen=True)
class Reading:
    """How a file was read, told to its sender; what does not apply is None."""

    format: str
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int = 1
    header_from: int | None = None  # its first row, where it takes several
    sheet: str | None = None
    member: str | None = None  # the file inside the archive


@dataclass(frozen=True)
class Span:
    """A merged cell: its rows and columns by index, all included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def wide(self) -> bool:
        """Whether it covers several columns."""
        return self.right > self.left


@dataclass(frozen=True)
class Limits:
    """What a delivery may cost: bytes as sent, bytes unpacked, columns, cells of a workbook, objects of a JSON file."""

    size: int = 2 << 30
    unpacked: int = 4 << 30
    columns: int = 2_000
    cells: int = 50_000_000


class Unreadable(Exception):
    """The bytes are not a table that can be read: `code` is frictionless's, `reason` chooses the sentence."""

    def __init__(self, code: str, reason: str, **params: object) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
        self.params = {name: str(value) for name, value in params.items()}


@dataclass(frozen=True)
class Cells:
    """A header of n labels over n columns.

    `columns` are polars series of strings when the file is text, else lists of Python values (None: no cell).
    `numbers` is the position of each row in its file, from 1, the header counted. `ragged` holds the complete cells
    of rows that have fewer or more of them than the header; in `columns` these rows are padded with None or cut.
    `spans` are merged cells below the header, their rows counted from the first one under it.
    """

    labels: Sequence[str]
    columns: Sequence[pl.Series | list[object]]
    numbers: pl.Series
    reading: Reading
    ragged: Mapping[int, Sequence[str]] = field(default_factory=dict)
    spans: Sequence[Span] = ()

    @property
    def rows(self) -> int:
        """How many rows stand under the header."""
        return len(self.numbers)


def normal(label: str) -> str:
    """A label as people compare it: case, kinds and numbers of blanks, and line breaks do not matter."""
    return " ".join(label.split()).casefold()
