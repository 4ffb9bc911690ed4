"""Parts of a list, such as the packages of a list of packages: one that cannot be read keeps no other from being harvested."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import checksums, failing
from ckanext.kzopen.publishing.harvest.describing import cleaned
from ckanext.kzopen.publishing.harvest.kinds import Found
from ckanext.kzopen.publishing.harvest.reach import TEMPORARY, Reach

SILENT = 3
"""Times in a row that a host gives no answer, after which it is asked for no further part."""
NO_ANSWER = ("client.too_slow", "client.unreachable", "harvest.source_busy")


@dataclass
class Parts:
    """The parts of one list that are fetched one by one. `silent` has by host how often it gave no answer, each in a row."""

    reach: Reach
    silent: dict[str, list[KzError]] = field(default_factory=dict)

    def read(self, name: str, does: Callable[[], list[Found]]) -> list[Found]:
        """What the part has whose address this is; where it cannot be read, one item that fails with the error.

        What may pass is raised, as the list is read again then, until the run's last try; so is what ends the run.
        """
        silent = self.silent.setdefault(urlsplit(name).hostname or "", [])
        if len(silent) >= SILENT:
            return [Found(name, error=silent[0])]
        try:
            found = does()
        except BaseException as error:  # `told` raises again what is no fault of the source
            told = failing.told(error, failing.LIST)
            if self.reach.ended() or (told.code in TEMPORARY and not self.reach.last_try):
                raise
            if told.code in NO_ANSWER:
                silent.append(told)
            else:
                silent.clear()
            return [Found(name, error=told)]
        silent.clear()
        return found


def each(records: Iterable[Any], items: Callable[[Any], Iterable[Found]]) -> list[Found]:
    """The items of a page's records; a record that is none fails by itself."""
    return [one for record in records for one in _items(record, items)]


def _items(record: Any, items: Callable[[Any], Iterable[Found]]) -> list[Found]:
    try:
        return list(items(record))
    except (KzError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return [odd(record, failing.told(error, failing.LIST))]


def odd(record: Any, error: KzError) -> Found:
    """What stands for a record that is no item: it is known by what it holds."""
    return Found(f"? {checksums.digest(record)[:16]}", error=error)


def named(name: Any, what: str) -> str:
    """What a record is called for ever; KzError harvest.odd_list, which tells `what` is missing, where that is nothing."""
    found = "" if name is None else cleaned(str(name))
    if not found:
        raise KzError(failing.LIST, problem=f"no {what}")
    return found
