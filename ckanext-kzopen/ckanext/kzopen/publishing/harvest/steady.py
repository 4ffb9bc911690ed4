"""Tables that come in several answers, each as it was at one moment: one that its source changes meanwhile is read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.reach import Reach

READINGS = 3
"""How often a table is read that is changed meanwhile."""
TORN = ("harvest.loops", "harvest.fewer_rows_than_told", "harvest.odd_item")
"""What a table looks like whose rows have moved between two answers, and one that is wrong in itself."""


@dataclass
class Reading:
    """One reading of a table: how many answers had rows, and the signs by which a source tells that a table is another now."""

    answers: int = 0
    changed: bool = False
    signs: dict[str, Any] = field(default_factory=dict)

    def answer(self, **signs: Any) -> None:
        """An answer with rows, and what it says of the whole table."""
        self.answers += 1
        self.tell(**signs)

    def tell(self, **signs: Any) -> None:
        """What the source says of the table, such as its version, date or number of rows (None = nothing)."""
        for name, value in signs.items():
            if value is not None:
                self.changed |= self.signs.setdefault(name, value) != value


def read(reach: Reach, once: Callable[[Reading], None], ask: Callable[[Reading], None]) -> None:
    """Let `once` read a table, again when it was changed between its answers; `ask` asks for the signs anew behind it.

    Rows that all came in one answer are of one moment. Raises what `once` raises, of TORN only where nothing was changed;
    KzError harvest.table_changes when the table is changed in each reading.
    """
    for _ in range(READINGS):
        reach.begin_item()
        reading, problem = Reading(), None
        try:
            once(reading)
        except KzError as error:
            if error.code not in TORN:
                raise
            problem = error
        if problem is not None or reading.answers > 1:
            ask(reading)
        if not reading.changed:
            if problem is not None:
                raise problem
            return
    raise KzError("harvest.table_changes")
