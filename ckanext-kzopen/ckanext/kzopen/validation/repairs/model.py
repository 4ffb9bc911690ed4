"""A repair: one kind of fault of a table or of one of its columns, with what it would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ckanext.kzopen.validation.sentences import sentence

Key = tuple[str, str | None]
EXAMPLES = 3
OF_COLUMNS = ("code", "spaces", "letters", "yes-no", "missing", "number", "date", "zeros", "short-codes")
OF_TABLES = (
    "encoding", "header", "no-header", "labels", "blank-columns", "extra-cells", "numbering", "notes", "totals", "blank-rows",
    "merged", "repeats", "same-rows", "repeated-keys",
)  # fmt: skip
OF_READING = ("encoding", "header")  # done while the file is read; told, so that a person may look
OF_ONE_FILE = frozenset({"same-rows", "repeated-keys", "short-codes"})
"""Repairs that lose rows, or invent digits that nothing confirms: right for one file, they may be wrong for the next."""


@dataclass(frozen=True)
class Repair:
    """`field` is the column's name in the schema, None for the whole table (of an encoding its name); `column` its position
    from 1.

    `count` says how many cells, rows or columns it changes; `examples` are pairs of before and after, or numbers of rows
    alone. `done` tells that it was made already, because a person once accepted it or the file could not be read without.
    """

    kind: str
    field: str | None = None
    column: int | None = None
    count: int = 0
    examples: Sequence[Sequence[str]] = ()
    done: bool = False

    @property
    def key(self) -> Key:
        """What a person's consent is remembered by."""
        return self.kind, self.field

    @property
    def once(self) -> bool:
        """Whether a person's consent is for one file alone, and is asked for by itself."""
        return self.kind in OF_ONE_FILE

    def sentence(self, lang: str) -> str:
        """What is wrong and what the repair does, in kk, ru or en."""
        return sentence(
            f"repair.{self.kind}", "done" if self.done else "", lang, {"field": self.field or "", "count": str(self.count)}
        )

    def stored(self) -> dict[str, Any]:
        """The repair as JSON values; `restored` makes it a repair again."""
        return asdict(self) | {"examples": [list(pair) for pair in self.examples]}


def restored(stored: Mapping[str, Any]) -> Repair:
    """The repair that `stored` was made of."""
    return Repair(**stored)
