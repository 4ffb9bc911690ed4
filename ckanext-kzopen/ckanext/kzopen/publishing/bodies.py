"""The body of a request, read as it comes: a client that stalls or creeps is given up, so that it holds no thread for ever."""

from __future__ import annotations

import socket as sockets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.web.errors import KzError
from flask import request
from werkzeug.exceptions import BadRequest

PIECE = 64 * 1024
"""Bytes that have to come within the portal's patience, or all that are left."""
THREADS = 4
"""Requests that a process of the web server answers at a time; one whose body comes slowly holds one."""
SOCKET = "gunicorn.socket"


class Body:
    """A stream that raises KzError publishing.stalled or publishing.cut_off instead of what the web server raises."""

    def __init__(self, stream: Any, seconds: float, expected: int | None) -> None:
        self._stream, self._seconds, self._expected = stream, seconds, expected
        self._size = 0
        self.progress = time.monotonic()
        self.given_up = False

    def read(self, size: int = -1, /) -> bytes:
        """At most PIECE bytes; none at the end."""
        wanted = PIECE if size < 0 else min(size, PIECE)
        try:
            chunk: bytes = self._stream.read(wanted)
        except TimeoutError:
            raise self._stalled() from None
        except (BadRequest, OSError):
            raise (self._stalled() if self.given_up else self._cut_off()) from None
        if self.given_up:
            raise self._stalled()
        self.progress = time.monotonic()
        self._size += len(chunk)
        return chunk

    def _stalled(self) -> KzError:
        return KzError("publishing.stalled", seconds=int(self._seconds))

    def _cut_off(self) -> KzError:
        return KzError("publishing.cut_off", size=self._size, expected=self._expected or self._size + 1)


@contextmanager
def incoming() -> Iterator[Body]:
    """The body of this request, watched while it is read."""
    seconds = float(tk.config["kzopen.stalled_after"])
    body = Body(request.stream, seconds, request.content_length)
    socket = request.environ.get(SOCKET)
    if socket is None:  # not behind gunicorn: a test's body is there already
        yield body
        return
    socket.settimeout(seconds)
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(body, socket, seconds, over), daemon=True)
    watch.start()
    try:
        yield body
    finally:
        over.set()


def _watch(body: Body, socket: Any, seconds: float, over: threading.Event) -> None:
    """Wake the reader of a creeping body: a byte now and then keeps the socket's own patience awake."""
    while not over.wait(1):
        if time.monotonic() - body.progress > seconds:
            body.given_up = True
            with suppress(OSError):
                socket.shutdown(sockets.SHUT_RD)
            return
