"""Tables that come in several answers, each as it was at one moment: one that its source changes meanwhile is read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.reach import Reach

READINGS = 3
"""How often a table is read that is changed meanwhile."""
TORN = ("harvest.loops", "harvest.fewer_rows_than_told", "harvest.odd_item")
"""What a table looks like whose rows have moved between two answers, and one that is wrong in itself."""
SIGNS: Mapping[str, Words] = {
    "version": {"kk": "нұсқасы", "ru": "версия", "en": "version"},
    "changed": {"kk": "нұсқасы немесе өзгерген күні", "ru": "версия или дата изменения", "en": "version or date of change"},
    "total": {"kk": "жол саны", "ru": "число строк", "en": "number of rows"},
    "modified": {"kk": "Last-Modified", "ru": "Last-Modified", "en": "Last-Modified"},
    "rows": {"kk": "бірінші беттің жолдары", "ru": "строки первой страницы", "en": "rows of the first page"},
    "newest": {"kk": "соңғы өзгерген жол", "ru": "последняя изменённая строка", "en": "row that was changed last"},
    "columns": {"kk": "бағандары", "ru": "столбцы", "en": "columns"},
}
"""The signs by which a source tells that a table is another now, as people read them."""


@dataclass
class Reading:
    """One reading of a table: how many answers had rows, what the source said of the table by the names of SIGNS, and the
    first of these that became another."""

    answers: int = 0
    changed: str | None = None
    signs: dict[str, Any] = field(default_factory=dict)

    def answer(self, **signs: Any) -> None:
        """An answer with rows, and what it says of the whole table."""
        self.answers += 1
        self.tell(**signs)

    def tell(self, **signs: Any) -> None:
        """What the source says of the table, such as its version, date or number of rows (None = nothing)."""
        for name, value in signs.items():
            if value is not None and self.signs.setdefault(name, value) != value:
                self.changed = self.changed or name


def read(reach: Reach, once: Callable[[Reading], None], ask: Callable[[Reading], None]) -> None:
    """Let `once` read a table, again when it was changed between its answers; `ask` asks for the signs anew behind it.

    Rows that all came in one answer are of one moment, and wrong ones are wrong in themselves. What `ask` reads does not
    count as the table's. Raises what `once` raises, of TORN only where nothing was changed; KzError harvest.table_changes
    when the table is changed in each reading.
    """
    reading = Reading()
    for _ in range(READINGS):
        reach.begin_item()
        reading, problem = Reading(), None
        try:
            once(reading)
        except KzError as error:
            if error.code not in TORN:
                raise
            problem = error
        if reading.answers > 1:
            reach.begin_item()
            ask(reading)
        if not reading.changed:
            if problem is not None:
                raise problem
            return
    raise changes(reading.changed or "changed")


def changes(sign: str) -> KzError:
    """That a table is changed whenever it is read, seen by this sign."""
    return KzError("harvest.table_changes", sign=dict(SIGNS[sign]))
