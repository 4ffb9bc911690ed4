"""Few small segments: which documents are written again with the next commit, so that tantivy has little to merge.

Each commit makes a segment. tantivy merges all segments below some 16,000 documents as soon as there are eight, so after every
eighth change of one document it would write a whole portal anew, and it cannot be told otherwise. Documents that are put
again leave their old segment, and a segment without documents is dropped: so the latest changes are gathered here, a few in a
segment with a few others, those with as many again, as a log-structured merge tree does.
"""

from __future__ import annotations

from collections.abc import Collection

MOST = 7
"""Small segments; with one more tantivy merges them all."""
LARGEST = 1_000
"""Documents of a segment that is put together here."""
URGENT = 50
"""Documents that one commit may write again only to keep the number of segments; for more, tantivy may merge."""


class Runs:
    """The keys of the segments that were written since the index was opened, the newest last."""

    def __init__(self) -> None:
        self._runs: list[set[str]] = []

    def joined(self, keys: Collection[str], segments: int) -> list[str]:
        """The documents to put again together with these; `segments` small ones are there now."""
        if segments < len(self._runs):
            self._runs.clear()  # tantivy has merged them
        left = len(self._runs)
        self.forget(keys)
        segments -= left - len(self._runs)
        again: set[str] = set()
        while self._runs:
            size, whole = len(self._runs[-1]), len(keys) + len(again) + len(self._runs[-1])
            grows = 2 * size <= whole <= LARGEST
            urgent = segments >= MOST and whole <= URGENT
            if not (grows or urgent):
                break
            again |= self._runs.pop()
            segments -= 1
        return sorted(again)

    def forget(self, keys: Collection[str]) -> None:
        """These documents are in none of the segments any more."""
        gone = set(keys)
        self._runs = [rest for run in self._runs if (rest := run - gone)]

    def written(self, keys: Collection[str]) -> None:
        """A commit put these documents into a segment of their own."""
        self.forget(keys)
        if keys:
            self._runs.append(set(keys))
