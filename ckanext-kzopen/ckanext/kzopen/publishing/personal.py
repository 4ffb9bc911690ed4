"""Columns that hold what is known of single people: IIN, telephones, cards, e-mails, birth dates beside names.

A register that the law makes public says so in its schema: `publicBy`, the article or the register's name, on a field or on
the whole schema. Such fields pass. What is looked for is chosen so that codes do not pass for people: of the numbers of
a column that have the right length, a share must also have the right check digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
from ckanext.kzopen.core.identifiers import is_iin
from ckanext.kzopen.publishing.stops import Stop
from ckanext.kzopen.rows.reading import Table
from ckanext.kzopen.validation.short import FEW

PUBLIC = "publicBy"
TWELVE = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
PHONE = re.compile(r"(?<![0-9+])(?:\+7|8|7)[ \-(]*7[0-9]{2}[ \-)]*[0-9]{3}[ \-]*[0-9]{2}[ \-]*[0-9]{2}(?![0-9])")
EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
CARD = re.compile(r"(?<![0-9])(?:[0-9]{4}[ -]?){3}[0-9]{4}(?![0-9])")
CARD_STARTS = ("4", "51", "52", "53", "54", "55", "2200", "2201", "2202", "2203", "2204", "62")
BORN = re.compile(r"birth|born|\bdob\b|туған|рожден|туылған|tugan|rozhd", re.IGNORECASE)
NAMED = re.compile(
    r"full_?name|surname|last_?name|first_?name|patronym|\bfio\b|(?:^|[_ ])фио(?:$|[_ ])|ф\.\s?и\.\s?о|фамилия|отчество|"
    r"тегі|аты[ -]?жөні|director|руководител|басшы",
    re.IGNORECASE,
)
SAMPLE, SAMPLE_OF_A_SHARE = 25_000, 5_000
"""Values of a column that are looked at one by one; of more of them they are taken evenly. To tell a share takes fewer."""
OF_NUMBERS = 0.5
"""The share of the long numbers of a column of numbers that look like telephones, where there is no check digit."""
SUSPECT = r"[0-9][0-9 ()\-]{10}|@"
"""All numbers that are looked for have eleven digits or more, with no other signs between them."""
SHORTEST_NUMBER = 10**10
"""Whole numbers from here on are looked at as the text of their digits, whatever type of number the column has.

A number keeps no zeros before its first digit: the IIN of whoever was born from 2000 to 2009 cannot be seen in it. Floats hold
all sixteen digits of the cards that are looked for exactly; 32-bit floats hold none of these numbers.
"""


@dataclass(frozen=True)
class Look:
    """What one kind of number or address looks like: candidates by `form`, of which `share` and at least one are `right`.

    Whatever has the form fits `hint`, which is searched a hundred times faster.
    """

    kind: str
    form: re.Pattern[str]
    hint: str
    right: Callable[[str], bool]
    share: float


def _is_card(text: str) -> bool:
    digits = re.sub("[ -]", "", text)
    doubled = [int(d) * 2 if place % 2 == 0 else int(d) for place, d in enumerate(digits)]
    luhn = sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
    return luhn and digits.startswith(CARD_STARTS)


def _any(_text: str) -> bool:
    """What has the form is right."""
    return True


LOOKS = (
    Look("iin", TWELVE, r"[0-9]{12}", is_iin, 0.1),
    Look(
        "phone",
        PHONE,
        r"7[ \-(]*7[0-9]{2}[ \-)]*[0-9]{3}[ \-]*[0-9]{2}|8[ \-(]*7[0-9]{2}[ \-)]*[0-9]{3}[ \-]*[0-9]{2}",
        _any,
        0.0,
    ),
    Look("card", CARD, r"([0-9]{4}[ -]?){3}[0-9]{4}", _is_card, 0.5),
    Look("email", EMAIL, "@", _any, 0.0),
)


class Search:
    """What is looked for, in the rows of a table that come piece after piece."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._fields = [] if schema.get(PUBLIC) else [field for field in schema["fields"] if not field.get(PUBLIC)]
        self._suspects: dict[str, list[pl.Series]] = {}
        self._numbers: set[str] = set()

    def take(self, rows: pa.Table) -> None:
        """Look at these rows too."""
        for field in self._of(rows):
            column = rows[field["name"]]
            self._suspects.setdefault(field["name"], []).append(_by_itself(_suspects(column)))
            if _is_number(column.type):
                self._numbers.add(field["name"])

    def forget(self) -> None:
        """What was taken does not count."""
        self._suspects = {}

    def found(self, table: pa.Table | Table) -> list[Stop]:
        """A stop for each column and kind of personal data in the table, all of whose rows were taken; in the order of the
        columns."""
        fields = self._of(table)
        names = [field["name"] for field in fields]
        stops = [stop for name in names for stop in _in_column(name, self._suspects.get(name, []), name in self._numbers)]
        return stops + _births(fields, table)

    def _of(self, table: pa.Table | Table) -> list[Mapping[str, Any]]:
        return [field for field in self._fields if field["name"] in table.schema.names]


def found(table: pa.Table, schema: Mapping[str, Any]) -> list[Stop]:
    """A stop for each column and kind of personal data in it, in the order of the columns."""
    search = Search(schema)
    search.take(table)
    return search.found(table)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _in_column(name: str, suspects: list[pl.Series], numbers: bool) -> list[Stop]:
    texts = pl.concat(suspects) if suspects else pl.Series(dtype=pl.String)
    if not len(texts):
        return []
    return [
        Stop("personal", {"column": name, "what": look.kind, "count": count})
        for look in LOOKS
        if (count := _count(look, texts, numbers))
    ]


def _suspects(column: pa.ChunkedArray) -> pl.Series:
    """The values that may hold anything of what is looked for."""
    values = pl.from_arrow(column)
    assert isinstance(values, pl.Series)  # noqa: S101 (a column gives a series)
    if values.dtype.is_numeric():
        whole = values.cast(pl.Int64, strict=False)  # of what has more digits than 64 bits hold, nothing is looked for
        return whole.filter((whole.abs() >= SHORTEST_NUMBER) & (whole == values)).cast(pl.String)
    return values.filter(values.str.contains(SUSPECT)) if values.dtype == pl.String else pl.Series(dtype=pl.String)


def _by_itself(texts: pl.Series) -> pl.Series:
    """The same texts in memory of their own: those that were filtered out of a column keep all of it."""
    copied = pl.from_arrow(texts.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(copied, pl.Series)  # noqa: S101 (an array gives a series)
    return copied


def _count(look: Look, texts: pl.Series, numbers: bool) -> int:
    """How many values hold it; 0 when too few of those that could are right.

    Of `numbers` half of all that are so long must have the form of a telephone: a sum of 77 billion has it by chance.
    """
    strict = numbers and not look.share
    likely = texts.filter(texts.str.contains(look.hint)) if len(texts) > FEW and not strict else texts
    step = -(-len(likely) // (SAMPLE_OF_A_SHARE if look.share else SAMPLE)) or 1
    candidates = right = 0
    for text in likely.gather_every(step):
        matches = look.form.findall(text)
        candidates += strict or bool(matches)
        right += any(look.right(match) for match in matches)
    share = OF_NUMBERS if strict else look.share
    return right * step if right and right >= share * candidates else 0


def _births(fields: Iterable[Mapping[str, Any]], table: pa.Table | Table) -> list[Stop]:
    """Birth dates count only beside a column of people's names."""
    fields = list(fields)
    if not any(NAMED.search(words) for field in fields for words in _words(field)):
        return []
    return [
        Stop("personal", {"column": field["name"], "what": "birth_date", "count": len(column) - column.null_count})
        for field in fields
        if any(BORN.search(words) for words in _words(field)) and (column := table[field["name"]]).null_count < len(column)
    ]


def _words(field: Mapping[str, Any]) -> list[str]:
    """The name and titles of a field."""
    return [field["name"], field.get("title") or "", *(field.get("title_translated") or {}).values()]
