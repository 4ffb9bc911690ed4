"""tantivy's failures as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ckanext.kzopen.search.engines.base import EngineError


@contextmanager
def as_engine_errors() -> Iterator[None]:
    """Turn what tantivy raises into EngineError; its PanicException derives from BaseException and is known by name only."""
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        raise EngineError(f"the search index does not answer: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise EngineError(f"the search index is damaged: {error}") from error
