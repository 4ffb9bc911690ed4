"""The place where a page of the API ended: the last key of an order by `id`, or a number of hits in the other orders.

With it goes how the words of the query were taken: the pages of a list stay of one piece when meanwhile something comes that
holds the words as they were typed, or the last thing goes that did.

An order by `id` has no end and no drift: what is there from the first page to the last is met exactly once, whatever changes.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.search.spelling import Taken


@dataclass(frozen=True)
class Place:
    """After the document with this key, or after so many hits; None takes the words in the first way that finds something."""

    key: str = ""
    start: int = 0
    taken: Taken | None = None


def written(place: Place) -> str:
    """The place as a member of an address."""
    told = json.dumps([place.key, place.start, *([place.taken] if place.taken else [])]).encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def read(text: str, by_key: bool) -> Place:
    """The place that `written` gave; KzError search.bad_cursor for anything else, or for one of another order."""
    if not text:
        return Place()
    try:
        key, start, *rest = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        taken = Taken(rest[0]) if rest else None
        sound = len(rest) <= 1 and isinstance(key, str) and type(start) is int and 0 <= start < 2**31 and bool(key) == by_key
    except (binascii.Error, ValueError, TypeError):
        sound = False
    if not sound:
        raise KzError("search.bad_cursor")
    return Place(key, start, taken)
