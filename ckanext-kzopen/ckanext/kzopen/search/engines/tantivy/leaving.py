"""Searchers that newer ones have taken the place of.

To give one free unmaps files and drops all documents that it has unpacked, which can take as long as an answer. The first
question after a commit does not wait for that.
"""

from __future__ import annotations

import time
from concurrent.futures import Future

import tantivy
from ckanext.kzopen.search.threads import threads

_LATER = 0.2
"""Seconds."""


class Leaving:
    """Holds searchers a moment longer and gives them free in a thread of its own; belongs to one process."""

    def __init__(self) -> None:
        self._held: list[tantivy.Searcher] = []

    def hold(self, searcher: tantivy.Searcher) -> Future[None]:
        """Give the searcher free a little later."""
        self._held.append(searcher)
        return threads("leaving", 1).submit(self._free)

    def _free(self) -> None:
        time.sleep(_LATER)
        self._held.clear()
