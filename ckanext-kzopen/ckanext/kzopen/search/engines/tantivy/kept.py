"""What was found for the questions asked last, for as long as the index does not change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from ckanext.kzopen.search import tree
from ckanext.kzopen.search.engines.base import Search

Found = TypeVar("Found")


class Kept(Generic[Found]):
    """What was found for at most so many questions, of one state of the index; may be used by many threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._state: Hashable = None
        self._found: OrderedDict[Hashable, Found] = OrderedDict()
        self._lock = Lock()

    def of(self, state: Hashable, asked: Hashable) -> Found | None:
        """What was kept in this state, if anything; what was kept in another one is dropped."""
        with self._lock:
            if state != self._state:
                self._state = state
                self._found.clear()
            return self._found.get(asked)

    def keep(self, state: Hashable, asked: Hashable, found: Found) -> Found:
        """Keep it, unless the state is another one by now; what has been kept longest makes room."""
        with self._lock:
            if state == self._state:
                self._found[asked] = found
                if len(self._found) > self._most:
                    self._found.popitem(last=False)
        return found


def depends_on_the_hour(search: Search) -> bool:
    """Whether a range asks for NOW: its hits change without a commit."""
    return any(map(_asks_for_now, (search.query, *search.filters)))


def _asks_for_now(node: tree.Node) -> bool:
    if isinstance(node, tree.Term | tree.Words):  # as nearly all are
        return False
    ranges = (one for one in tree.walk(node) if isinstance(one, tree.Range))
    return any("NOW" in bound for one in ranges for bound in (one.low, one.high) if bound)
