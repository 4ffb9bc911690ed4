"""Which search engine our side has: the embedded one, unless a benchmark names another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_server: ContextVar[str] = ContextVar("bench_server", default="")


@contextmanager
def on(server: str) -> Iterator[None]:
    """What is measured inside has its indexes on this server, `elasticsearch://host:port`."""
    token = _server.set(server)
    try:
        yield
    finally:
        _server.reset(token)


def search_url(index: str) -> str:
    """The address of an index of that name; "" is the embedded engine."""
    return f"{_server.get()}/{index}" if _server.get() else ""
