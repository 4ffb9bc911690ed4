"""The embedded engine as the rest of search sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ckanext.kzopen.search.engines.base import EngineError, Entry
from ckanext.kzopen.search.engines.tantivy import folder
from ckanext.kzopen.search.engines.tantivy.reader import TantivyReader
from ckanext.kzopen.search.engines.tantivy.writer import TantivyWriter, rebuilt


class TantivyEngine:
    """An index in the folder `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def reader(self) -> TantivyReader:
        """For questions."""
        return TantivyReader(self._root)

    def writer(self) -> TantivyWriter:
        """For changes; raises EngineError when the index is missing or a file of it is damaged."""
        return TantivyWriter(self._root)

    def present(self) -> bool:
        """Whether all files of the current generation are there."""
        try:
            return not folder.missing(folder.current(self._root))
        except EngineError:
            return False

    def built(self, entries: Iterator[Entry]) -> tuple[TantivyWriter, int]:
        """A writer on a new generation of just these entries, and their number."""
        return rebuilt(self._root, entries)
