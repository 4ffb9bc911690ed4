"""Which engine an address names."""

from __future__ import annotations

from pathlib import Path

from ckanext.kzopen.search.engines.base import Engine, EngineError
from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine


def engine_of(search_url: str, search_path: Path) -> Engine:
    """The engine of a portal: with no address the embedded one, in the folder `search_path`."""
    if search_url:
        raise EngineError(f"no search engine answers at {search_url.partition(':')[0]}:// addresses")
    return TantivyEngine(search_path)
