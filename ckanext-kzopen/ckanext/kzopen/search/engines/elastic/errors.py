"""What Elasticsearch raises, in the words of all engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ckanext.kzopen.search.engines.base import EngineAway, EngineError
from elasticsearch import ApiError, SSLError, TransportError
from elasticsearch.helpers import BulkIndexError

_RIGHTS = {
    401: ": name and password, or the API key, are not right",
    403: ": the user lacks a right, see “Elasticsearch” in docs/operator.md",
}


@contextmanager
def as_engine_errors() -> Iterator[None]:
    """EngineAway for what passes (no connection, no time, no room), EngineError for what does not (no such index)."""
    try:
        yield
    except SSLError as error:
        raise EngineAway(_tls(error)) from error
    except TransportError as error:
        raise EngineAway(f"Elasticsearch does not answer: {type(error).__name__}") from error
    except BulkIndexError as error:
        raise EngineAway(f"Elasticsearch did not take {len(error.errors)} documents") from error
    except ApiError as error:
        said = f"Elasticsearch says {error.status_code} {error.error}{_RIGHTS.get(error.status_code, '')}"
        passes = error.status_code in (401, 403, 408, 429) or error.status_code >= 500
        raise (EngineAway if passes else EngineError)(said) from error


def _tls(error: BaseException) -> str:
    """A sentence for a connection that TLS ended; the library's own text does not say why, its causes do."""
    causes, cause = "", error.__cause__ or error.__context__
    while cause is not None:
        causes, cause = f"{causes} {cause}", cause.__cause__ or cause.__context__
    if "CERTIFICATE_VERIFY_FAILED" not in causes:
        return "Elasticsearch does not answer: TlsError. Does it speak https?"
    mismatch = "mismatch" in causes.lower() or "not valid for" in causes.lower()
    why = "is for another name" if mismatch else "is not trusted: name the file of its authority with ca="
    return f"The certificate of Elasticsearch {why}"
