"""Which engine an address names."""

from __future__ import annotations

from pathlib import Path

from ckanext.kzopen.search.engines.base import Engine, EngineError


def engine_of(search_url: str, search_path: Path) -> Engine:
    """The engine of a portal: with no address the embedded one, in the folder `search_path`; raises EngineError.

    An engine's library is loaded where it is asked for only.
    """
    if not search_url:
        from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine

        return TantivyEngine(search_path)
    from ckanext.kzopen.search.engines.elastic import address
    from ckanext.kzopen.search.engines.elastic.engine import ElasticEngine

    try:
        return ElasticEngine(address.read(search_url))
    except address.AddressError as error:
        raise EngineError(f"search_url: {error}") from error
