"""What Elasticsearch raises, in the words of all engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ckanext.kzopen.search.engines.base import EngineAway, EngineError
from elasticsearch import ApiError, TransportError
from elasticsearch.helpers import BulkIndexError


@contextmanager
def as_engine_errors() -> Iterator[None]:
    """EngineAway for what passes (no connection, no time, no room), EngineError for what does not (no such index)."""
    try:
        yield
    except TransportError as error:
        raise EngineAway(f"Elasticsearch does not answer: {type(error).__name__}") from error
    except BulkIndexError as error:
        raise EngineAway(f"Elasticsearch did not take {len(error.errors)} documents") from error
    except ApiError as error:
        said = f"Elasticsearch says {error.status_code} {error.error}"
        passes = error.status_code in (401, 403, 408, 429) or error.status_code >= 500
        raise (EngineAway if passes else EngineError)(said) from error
