"""The one client for all outgoing HTTP, safe against being led inside (SSRF) and against hostile answers.

- http and https only; addresses in odd notations and with passwords in them are refused;
- the name is resolved once, all its numbers are checked, and the checked number is connected to (no rebinding);
- private, loopback, link-local, multicast and cloud metadata addresses are refused, also inside IPv6 ones, unless the
  operator has named their network in `kzopen.internal_networks`;
- each redirect is checked like the first address; of the caller's headers only plain ones go to another origin, no keys;
- bytes are capped as received and again as unpacked; connecting, each read and the whole request have time limits;
- proxies of the environment are not used.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import certifi
import httpcore
from ckanext.kzopen.core.web.addresses import Network, checked_url, origin
from ckanext.kzopen.core.web.connections import GuardedBackend, Resolver, deadline, system_resolver
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.unpacking import counted, unpacked
from httpx import URL

REDIRECTS = (301, 302, 303, 307, 308)
_PLAIN_HEADERS = frozenset(
    {"accept", "accept-encoding", "accept-language", "content-type", "if-modified-since", "if-none-match", "user-agent"}
)
"""A key may stand in a header of any other name."""
_OWN_HEADERS = {"Accept-Encoding": "gzip", "User-Agent": "kzopen"}


@dataclass(frozen=True)
class Limits:
    """Seconds for connecting, for one read or write, for all; bytes as received and as unpacked; redirects followed."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 60.0
    received: int = 50_000_000
    unpacked: int = 200_000_000
    redirects: int = 5


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower-case names; repeated ones joined by a comma) and the address that answered in the end."""

    status: int
    headers: Mapping[str, str]
    url: str
    chunks: Iterator[bytes]

    def body(self) -> bytes:
        """The whole body, unpacked; only within the block of `Client.open`."""
        return b"".join(self.chunks)


@cache
def _world() -> ssl.SSLContext:
    """The authorities that are trusted everywhere, read once in a process: to read them takes longer than most requests."""
    return ssl.create_default_context(cafile=certifi.where())


@dataclass(frozen=True)
class Sent:
    method: str
    url: URL
    headers: Mapping[str, str]
    content: bytes | None


class Client:
    """Connections are kept open between requests; use one client for a job and close it (`with Client() as client`)."""

    def __init__(
        self,
        internal: Iterable[Network] = (),
        limits: Limits | None = None,
        resolver: Resolver = system_resolver,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._pool = httpcore.ConnectionPool(ssl_context=trust or _world(), network_backend=GuardedBackend(internal, resolver))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._pool.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None, limits: Limits | None = None) -> tuple[Answer, bytes]:
        """The answer to a GET and its whole body."""
        with self.open("GET", url, headers=headers, limits=limits) as answer:
            return answer, answer.body()

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        limits: Limits | None = None,
    ) -> Iterator[Answer]:
        """Ask, follow redirects, and give the answer with its body as chunks; what is not read is dropped.

        An answer of any status is an answer. KzError `client.…` says why there is none.
        """
        bounds = limits or self._limits
        token = deadline.set(time.monotonic() + bounds.total)
        try:
            sent = Sent(method, checked_url(url), {**_OWN_HEADERS, **(headers or {})}, content)
            with self._final(sent, bounds) as answer:
                yield answer
        finally:
            deadline.reset(token)

    @contextmanager
    def _final(self, sent: Sent, limits: Limits) -> Iterator[Answer]:
        for _ in range(limits.redirects + 1):
            response = self._ask(sent, limits)
            try:
                headers = _headers(response)
                if response.status not in REDIRECTS or "location" not in headers:
                    yield Answer(response.status, headers, str(sent.url), _body(response, headers, sent.url, limits))
                    return
                sent = redirected(sent, response.status, headers["location"])
            finally:
                response.close()
        raise KzError("client.too_many_redirects", limit=limits.redirects)

    def _ask(self, sent: Sent, limits: Limits) -> httpcore.Response:
        timeouts = {"connect": limits.connect, "read": limits.read, "write": limits.read, "pool": limits.connect}
        request = httpcore.Request(
            sent.method,
            str(sent.url),
            headers=[("Host", sent.url.netloc.decode()), *sent.headers.items()],
            content=sent.content,
            extensions={"timeout": timeouts},
        )
        if sent.content is not None:
            request.headers.append((b"Content-Length", str(len(sent.content)).encode()))
        with _told(sent.url):
            return self._pool.handle_request(request)


def redirected(sent: Sent, status: int, location: str) -> Sent:
    """What is asked next: keys stay with their origin, and all but 307 and 308 turn into GET without a body."""
    target = checked_url(str(sent.url.join(location)))
    headers = sent.headers if origin(target) == origin(sent.url) else plain(sent.headers)
    if status in (307, 308) or sent.method == "HEAD":
        return Sent(sent.method, target, headers, sent.content)
    return Sent("GET", target, {name: value for name, value in headers.items() if name.lower() != "content-type"}, None)


def plain(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of the headers that any server may read."""
    return {name: value for name, value in headers.items() if name.lower() in _PLAIN_HEADERS}


def _headers(response: httpcore.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _body(response: httpcore.Response, headers: Mapping[str, str], url: URL, limits: Limits) -> Iterator[bytes]:
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limits.received:
        raise KzError("client.too_large", limit=limits.received)
    received = counted(_read(response, url), limits.received)
    return unpacked(received, headers.get("content-encoding", ""), limits.unpacked)


def _read(response: httpcore.Response, url: URL) -> Iterator[bytes]:
    with _told(url):
        yield from response.iter_stream()


@contextmanager
def _told(url: URL) -> Iterator[None]:
    """Failures of the connection as errors that people understand, without numbers of machines."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise KzError("client.too_slow") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        raise KzError("client.unreachable", host=url.host) from error
