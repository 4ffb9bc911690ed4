"""Rows that are no data: totals, notes, numbers of columns, blank ones, the same row again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl
from ckanext.kzopen.validation.distinct import masked
from ckanext.kzopen.validation.integrity import perhaps_again
from ckanext.kzopen.validation.repairs.notations import Commas, commas_of, plain_number
from ckanext.kzopen.validation.short import is_short

TOTAL = re.compile(
    r"(итого|жиыны|жиынтығы|grand total|total|subtotal|қорытынды)([\s:.*]*|\s+(по|by|for|of all)\s.*|:.*)",
    re.IGNORECASE,
)
MAYBE_TOTAL = re.compile(
    r"(итого|всего|все|барлығы|барлық|total|жалпы|по республике|республика бойынша|республика казахстан|"
    r"қазақстан республикасы|the republic of kazakhstan|kazakhstan|казахстан|қазақстан|рк|қр)(?!\w)",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(всего|барлығы|все|барлық|жалпы)[\s:.]*", re.IGNORECASE)  # as the last row of a table
COLUMN_NUMBER = re.compile(r"(\d{1,3})([.-]\d)?|[^\W\d_]")
TOLERANCE = 0.005
FEWEST_ROWS = 3
FEWEST_NUMBERED = 5
MOST_NOTES = 0.5
MOST_SUMMED = 20_000
MOST_SAID = 3
SAMPLED = 200
LABELLED = 6
EXACT = 1e-9
BLANK = " \t\r\n\u00a0"
NOTE = re.compile(r"\s|^[\W\d]|:$")
NOT_WORD = r"(?!\w)"


@dataclass(frozen=True)
class Grid:
    """The cells of a table as stripped texts (blank ones are empty), made when they are asked for, since all of them would
    take as much room as the table; `filled` counts those of each row."""

    texts: Sequence[pl.Series]
    filled: pl.Series
    short: frozenset[int]  # indexes of rows that have fewer cells than the header

    @property
    def height(self) -> int:
        """How many rows there are."""
        return len(self.filled)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.texts)

    def column(self, place: int) -> pl.Series:
        """One column, by index."""
        return _stripped(self.texts[place])

    def row(self, index: int) -> list[str]:
        """One row."""
        return [(text[index] or "").strip(BLANK) for text in self.texts]


def grid_of(texts: Sequence[pl.Series], short: frozenset[int] = frozenset()) -> Grid:
    """The grid of columns of text."""
    if texts and is_short(texts[0]):
        columns = [_stripped(text) for text in texts]
        counts = [sum(map(bool, row)) for row in zip(*(column.to_list() for column in columns), strict=True)]
        return Grid(columns, pl.Series(counts, dtype=pl.UInt32), short)
    filled = pl.repeat(0, len(texts[0]) if texts else 0, dtype=pl.UInt32, eager=True)
    for text in texts:
        filled = filled + masked(text, _is_filled).cast(pl.UInt32)
    return Grid(texts, filled, short)


def _is_filled(texts: pl.Series) -> pl.Series:
    return _stripped(texts) != ""


def _stripped(texts: pl.Series) -> pl.Series:
    """The texts without blanks around them; one that is missing is empty."""
    if is_short(texts):
        return pl.Series([(text or "").strip(BLANK) for text in texts.to_list()], dtype=pl.String)
    return texts.fill_null("").str.strip_chars(BLANK)


def blank_rows(grid: Grid) -> list[int]:
    """Rows without any value."""
    return _where(grid.filled == 0)


def _where(mask: pl.Series) -> list[int]:
    found: list[int] = mask.arg_true().to_list()
    return found


def numbering_rows(grid: Grid) -> list[int]:
    """The first row, when it numbers the columns (А, Б, 1, 2, 3 …); five cells are needed to be sure."""
    if grid.height < 2:  # a row and one below it
        return []
    cells = [cell for cell in grid.row(0) if cell]
    if len(cells) < FEWEST_NUMBERED or not all(COLUMN_NUMBER.fullmatch(cell) for cell in cells):
        return []
    numbers = [int(found[1]) for cell in cells if (found := COLUMN_NUMBER.fullmatch(cell)) and found[1]]
    rising = all(a <= b for a, b in pairwise(numbers))
    steps = sum(b - a == 1 for a, b in pairwise(numbers))
    unbroken = len(numbers) > 2 and steps == len(numbers) - 1  # А, Б, 1, 2, 3
    return [0] if numbers and numbers[0] <= 2 and rising and (unbroken or steps * 10 >= len(numbers) * 7) else []


def note_rows(grid: Grid) -> list[int]:
    """Rows of which only the first column that is usually filled, or one before it, holds words: footnotes, sources,
    headings of groups."""
    full = grid.filled.filter(grid.filled > 0)
    if grid.width < 2 or not len(full) or full.mean() == 1:  # a list has no notes
        return []
    first = next((n for n in range(grid.width) if masked(grid.texts[n], _is_filled).mean() > 0.5), 0)  # type: ignore[operator]
    found = [index for index in _where(grid.filled == 1) if _is_note(grid, index, first)]
    return found if len(found) <= MOST_NOTES * grid.height else []


def _is_note(grid: Grid, index: int, first: int) -> bool:
    place, text = next((n, cell) for n, cell in enumerate(grid.row(index)) if cell)
    if grid.width == 2 and index not in grid.short:  # one cell of two is half a row
        return False
    return place <= first and NOTE.search(text) is not None and not _number(text)


def total_rows(grid: Grid, without: Sequence[int] = ()) -> list[int]:
    """Rows that sum others. A row that says so (Итого, Барлығы, Total) is one, unless all else in it are words; a row that may
    say so (Всего, the country), or the first or last one of all, is one when most of its numbers are the sums of its block."""
    left_out = set(without)
    said = [index for index in _saying(grid, TOTAL) if index not in left_out and not _of_words(grid.row(index))]
    if len(said) * MOST_SAID > grid.height and len(said) > 1:
        said = []
    return said if grid.height > MOST_SUMMED else sorted({*said, *_summed(grid, left_out, said)})


def _summed(grid: Grid, left_out: set[int], said: Sequence[int]) -> list[int]:
    rows = [index for index in _where(grid.filled > 0) if index not in left_out]
    if not rows:
        return []
    maybe = [index for index in _saying(grid, MAYBE_TOTAL) if index not in left_out]
    last = _ALONE.fullmatch(_spoken(grid.row(rows[-1])))
    candidates = sorted({*maybe, rows[0], rows[-1]} - set(said))
    if len(candidates) * 4 > len(rows):
        return [rows[-1]] if last else []
    if last:
        return [rows[-1], *_summed_of(grid, candidates[:-1], candidates, rows)]
    return _summed_of(grid, candidates, candidates, rows)


def _summed_of(grid: Grid, asked: Sequence[int], candidates: Sequence[int], rows: Sequence[int]) -> list[int]:
    wanted = list(asked)
    places = [n for n, text in enumerate(grid.texts) if _holds_numbers(_stripped(text.gather(wanted)))]
    columns = _numeric_columns([grid.column(n) for n in places], rows)
    return [index for index in asked if _sums(index, candidates, rows, columns)]


def _holds_numbers(cells: pl.Series) -> bool:
    """Whether one of them is a number, whatever commas mean in its column: other columns say nothing about sums."""
    any_commas = Commas(group=True, decimal=True)
    plain = cells.cast(pl.Float64, strict=False).is_not_null().any()
    return plain or any(plain_number(text, any_commas) is not None for text in cells if text)


def _saying(grid: Grid, pattern: re.Pattern[str]) -> list[int]:
    """Rows whose first cell with letters, within the first columns, is or begins with the words."""
    if is_short(grid.filled):
        rows = zip(*(grid.column(n).to_list() for n in range(min(grid.width, LABELLED))), strict=True)
        return [index for index, row in enumerate(rows) if _says(pattern, row)]
    words = f"^(?i:{pattern.pattern.replace(NOT_WORD, '')})"
    spoken = pl.repeat(False, grid.height, dtype=pl.Boolean, eager=True)
    for n in range(min(grid.width, LABELLED)):
        spoken = spoken | masked(grid.texts[n], lambda texts: _stripped(texts).str.contains(words))
    return [index for index in _where(spoken) if _says(pattern, grid.row(index))]


def _says(pattern: re.Pattern[str], row: Sequence[str]) -> bool:
    """Whether the first cell with letters begins with the words."""
    return (pattern.fullmatch if pattern is TOTAL else pattern.match)(_spoken(row)) is not None


def _of_words(row: Sequence[str]) -> bool:
    """Whether there are several cells, all of them words without a digit, as in a list of words."""
    filled = [cell for cell in row if cell]
    return len(filled) > 1 and all(cell.replace(" ", "").isalpha() for cell in filled)


def _spoken(row: Sequence[str]) -> str:
    """The first cell with letters."""
    return next((cell for cell in row if re.search(r"[^\W\d_]", cell)), "")


def _numeric_columns(columns: Sequence[pl.Series], rows: Sequence[int]) -> list[dict[int, float]]:
    """Values by row of the columns that are mostly numbers and not all years."""
    found = []
    for column in columns:
        cells = column.gather(list(rows))
        filled = int((cells != "").sum())
        values = {index: value for index, value in zip(rows, _values(cells), strict=True) if value is not None}
        years = all(value.is_integer() and 1900 <= value <= 2100 for value in values.values())
        if len(values) * 2 > filled and len(values) > FEWEST_ROWS and not years:
            found.append(values)
    return found


def _values(cells: pl.Series) -> list[float | None]:
    """The cells as numbers, at once where they are plain ones."""
    values: list[float | None] = cells.cast(pl.Float64, strict=False).to_list()
    odd = [n for n, value in enumerate(values) if value is None]
    texts = cells.gather(odd).to_list()
    if sum(any(letter.isdigit() for letter in text) for text in texts[:SAMPLED]) * 2 < len(texts[:SAMPLED]):
        return values
    commas = commas_of(texts)
    for n, text in zip(odd, texts, strict=True):
        plain = plain_number(text, commas) if text else None
        values[n] = float(plain) if plain is not None else None
    return values


def _sums(index: int, candidates: Sequence[int], rows: Sequence[int], columns: Sequence[dict[int, float]]) -> bool:
    """Whether the row sums the rows below it up to the next candidate, or all rows above it up to the one before."""
    later = [other for other in candidates if other > index]
    earlier = [other for other in candidates if other < index]
    below = [row for row in rows if row > index and (not later or row < later[0] or later[0] == rows[-1])]
    above = [row for row in rows if row < index and (not earlier or row > earlier[-1] or earlier[-1] == rows[0])]
    return any(len(part) >= FEWEST_ROWS and _is_sum(index, part, columns) for part in (below, above))


def _is_sum(index: int, others: Sequence[int], columns: Sequence[dict[int, float]]) -> bool:
    """Most sums must hold: nearly where there are several columns, exactly where one alone could be chance."""
    right = exact = wrong = 0
    for values in columns:
        value = values.get(index)
        parts = [values[row] for row in others if row in values]
        if value and len(parts) >= FEWEST_ROWS:
            off = abs(sum(parts) - value)
            right += off <= TOLERANCE * abs(value)
            wrong += off > TOLERANCE * abs(value)
            exact += off <= EXACT * abs(value)
    return right > wrong and (right >= FEWEST_ROWS or exact == right)


def repeated_rows(texts: Sequence[pl.Series]) -> list[int]:
    """Rows whose every cell stands in an earlier row too; rows of one filled cell or none do not count."""
    if not texts or not len(texts[0]):
        return []
    if is_short(texts[0]):
        return _repeated_of_few(list(zip(*([text or "" for text in column.to_list()] for column in texts), strict=True)))
    frame = pl.DataFrame({str(n): column.fill_null("") for n, column in enumerate(texts)})
    filled = frame.select(pl.sum_horizontal(pl.all() != "").alias("filled"))["filled"]
    perhaps = (perhaps_again(frame) & (filled > 1)).arg_true()
    again = frame.select(pl.all().gather(perhaps)).select(pl.struct(pl.all()).is_first_distinct().not_().alias("again"))
    return _where_at(perhaps, again["again"])


def _repeated_of_few(rows: Sequence[tuple[str, ...]]) -> list[int]:
    """The same for a short table."""
    seen: set[tuple[str, ...]] = set()
    found = []
    for index, row in enumerate(rows):
        if row in seen:
            found.append(index)
        elif sum(cell != "" for cell in row) > 1:
            seen.add(row)
    return found


def _where_at(indexes: pl.Series, mask: pl.Series) -> list[int]:
    found: list[int] = indexes.filter(mask).to_list()
    return found


def _number(text: str) -> bool:
    return re.fullmatch(r"[-+]?[\d\s.,]+%?", text) is not None
