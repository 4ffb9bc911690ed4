"""Connections of the outgoing client: the name is resolved once, every number is checked, the checked number is called."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolverTimeout
from contextvars import ContextVar
from typing import Any

import httpcore
from ckanext.kzopen.core.web.addresses import Address, Network, checked_numbers
from ckanext.kzopen.core.web.errors import KzError

Resolver = Callable[[str, int], list[str]]
"""Takes a host name and a port; returns numbers. Raises OSError."""

deadline: ContextVar[float] = ContextVar("deadline")
"""The `time.monotonic()` at which the running request must have ended, headers and body included."""

_resolving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


def system_resolver(host: str, port: int) -> list[str]:
    """What the system says about a name, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def remaining(timeout: float | None) -> float:
    """`timeout`, or what is left of the request's time when that is less; KzError when nothing is left."""
    left = deadline.get() - time.monotonic()
    if left <= 0:
        raise KzError("client.too_slow")
    return left if timeout is None else min(timeout, left)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens TCP connections to checked numbers only; a connection is never opened by name."""

    def __init__(self, internal: Iterable[Network], resolver: Resolver) -> None:
        self._internal = tuple(internal)
        self._resolver = resolver
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        numbers = self._numbers(host, port, timeout)
        for number in numbers[:-1]:
            try:
                return self._open(number, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._open(numbers[-1], port, timeout)

    def _open(self, number: Address, port: int, timeout: float | None) -> httpcore.NetworkStream:
        return GuardedStream(self._backend.connect_tcp(str(number), port, timeout=remaining(timeout)))

    def _numbers(self, host: str, port: int, timeout: float | None) -> list[Address]:
        """All numbers of a host, checked."""
        future = _resolving.submit(self._resolver, host, port)
        try:
            found = future.result(remaining(timeout))
        except (OSError, UnicodeError) as error:
            raise KzError("client.unreachable", host=host) from error
        except ResolverTimeout as error:
            raise KzError("client.too_slow") from error
        return checked_numbers(host, found, self._internal)


class GuardedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends by the request's deadline, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, remaining(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return GuardedStream(self._stream.start_tls(ssl_context, server_hostname, remaining(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
