"""Bodies of answers: counted as they come, unpacked under a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from ckanext.kzopen.core.web.errors import KzError

PIECE = 64 * 1024
_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


def counted(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """The chunks as long as their sum is within `limit` bytes; then KzError client.too_large."""
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise KzError("client.too_large", limit=limit)
        yield chunk


def unpacked(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """The body without its Content-Encoding, in pieces of at most 64 kB, at most `limit` bytes in all."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return counted(chunks, limit)
    if name not in _WINDOWS:
        raise KzError("client.odd_encoding", encoding=name)
    return counted(_inflated(chunks, _WINDOWS[name]), limit)


def _inflated(chunks: Iterable[bytes], window: int) -> Iterator[bytes]:
    """gzip (of any number of members) or zlib data; never more than a piece is in memory."""
    machine = zlib.decompressobj(window)
    started = False
    for chunk in chunks:
        waiting, piece = chunk, b""
        # A full piece may have more behind it although all input was taken.
        while waiting or (len(piece) == PIECE and not machine.eof):
            if machine.eof:
                machine = zlib.decompressobj(window)
            piece = _piece(machine, waiting)
            waiting = machine.unused_data if machine.eof else machine.unconsumed_tail
            started = True
            yield piece
    if started and not machine.eof:
        raise KzError("client.broken_body")


def _piece(machine: zlib._Decompress, data: bytes) -> bytes:
    try:
        return machine.decompress(data, PIECE)
    except zlib.error as error:
        raise KzError("client.broken_body") from error
