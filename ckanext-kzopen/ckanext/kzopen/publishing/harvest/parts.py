"""Parts of a list, such as the packages of a list of packages: one that cannot be read keeps no other from being harvested."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import checksums, failing
from ckanext.kzopen.publishing.harvest.kinds import Found
from ckanext.kzopen.publishing.harvest.reach import TEMPORARY, Reach


def read(reach: Reach, name: str, does: Callable[[], list[Found]]) -> list[Found]:
    """What the part of that name has; where it cannot be read, one item that fails with the error.

    What may pass is raised, as the list is read again then, until the run's last try.
    """
    try:
        return does()
    except BaseException as error:  # `told` raises again what is no fault of the source
        told = failing.told(error, failing.LIST)
        if told.code in TEMPORARY and not reach.last_try:
            raise
        return [Found(name, error=told)]


def each(records: Iterable[Any], item: Callable[[Any], Found]) -> list[Found]:
    """The items of a page's records; a record that is none fails by itself, known by what it holds.

    Raises what the first one raises when none of them can be read: then it is no such list.
    """
    found = [_item(record, item) for record in records]
    first = next((one.error for one in found if one.error is not None), None)
    if first is not None and all(one.error is not None for one in found):
        raise first
    return found


def _item(record: Any, item: Callable[[Any], Found]) -> Found:
    try:
        return item(record)
    except (KzError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return Found(f"? {checksums.digest(record)[:16]}", error=failing.told(error, failing.LIST))
