"""How a kind of source asks other machines: through the portal's one safe client, politely, under limits.

Pauses between requests to one host and a host's own `Retry-After` are those of `pauses`. Keys of a source go to its own origin
only, and are not told: an address is told without its query, and what a source says without the keys that it repeats.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote_plus, urlsplit

from ckanext.kzopen.core.web.addresses import checked_url, origin, shown
from ckanext.kzopen.core.web.client import Answer, Client, Limits, plain
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import pauses

BUSY = (429, 503)
LONGEST_PAUSE = 600.0
TEMPORARY = frozenset(
    {"client.too_slow", "client.unreachable", "client.broken_body", "harvest.source_failed", "harvest.source_busy"}
)
"""Errors after which it is worth to try again."""
UNTOLD = ("harvest.not_there", "harvest.not_let_in", "harvest.odd_answer", "harvest.not_json")
"""What a server answers that does not tell a thing, or not to everybody."""


class NotChanged(Exception):
    """The source says by ETag or Last-Modified that an address still has the bytes that were fetched before."""


@dataclass
class Reach:
    """The outside, for one job. `pause` are the least seconds between two requests to one host.

    `validators` holds what is known of addresses that were fetched before, `fresh` what was learnt of them now. `home` is the
    source's own address, `keys` are its secrets, `ended` tells whether what is fetched is still wanted. `documents` counts
    the bytes of all documents of one item; None before the first one. After the `last_try` the list is not read again.
    """

    client: Client
    limits: Limits = field(default_factory=Limits)
    pause: float = 0.0
    validators: Mapping[str, Any] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    received: int = 0
    home: str = ""
    keys: Sequence[str] = ()
    ended: Callable[[], bool] = lambda: False
    documents: int | None = None
    last_try: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.close()

    def begin_item(self) -> None:
        """What is asked from now on is of one item: all its documents together may be as large as one answer."""
        self.documents, self.fresh = 0, {}

    def text(self, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None) -> tuple[Answer, bytes]:
        """The answer to a GET (a POST when there is a content) and its whole body; KzError unless it is a good one.

        Headers that are no plain ones go to the source's own origin only.
        """
        self._wait(url)
        method = "GET" if content is None else "POST"
        with self.client.open(method, url, headers=self._headers(url, headers or {}), content=content) as answer:
            self._check(answer, url)
            body = answer.body()
        self.received += len(body)
        self._count(body)
        return answer, body

    def json(self, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None) -> Any:
        """What a JSON answer holds, fractions as decimals; None for an answer without a body."""
        answer, body = self.text(url, {"Accept": "application/json", **(headers or {})}, content)
        return None if answer.status == 204 or not body.strip() else self.parsed(body, url)

    def download(self, url: str, into: Path, headers: Mapping[str, str] | None = None, *, read_as: str = "") -> Answer:
        """Write what lies at the address into the file; raises NotChanged when it is what was fetched before.

        `read_as` stands for what the bytes become a table with: where that is another than before, they are fetched anyway.
        """
        self._wait(url)
        known = self.validators.get(url) or {}
        known = known if known.get("read_as", "") == read_as else {}
        asked = self._headers(url, headers or {}) | _conditions(known)
        with self.client.open("GET", url, headers=asked, limits=self.limits) as answer:
            if answer.status == 304 and known:
                self.fresh[url] = known
                raise NotChanged
            self._check(answer, url)
            with into.open("wb") as file:
                for chunk in answer.chunks:
                    self.received += len(chunk)
                    file.write(chunk)
        learnt = {name: answer.headers[name] for name in ("etag", "last-modified") if name in answer.headers}
        self.fresh[url] = learnt | {"read_as": read_as} if learnt and read_as else learnt
        return answer

    def told(self, text: str) -> str:
        """What a source said, as people may read it: without its keys, as they are and as they stand in addresses."""
        for key in self.keys:
            text = text.replace(key, "…").replace(quote_plus(key), "…")
        return text

    def parsed(self, body: bytes, url: str) -> Any:
        """The JSON of a body; KzError harvest.not_json for anything else, such as a page of HTML."""
        try:
            return json.loads(body, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            start = " ".join(self.told(body[:1000].decode("utf-8", "replace")).split())
            raise KzError("harvest.not_json", address=self.told(shown(url)), start=start[:60]) from error

    def _headers(self, url: str, given: Mapping[str, str]) -> dict[str, str]:
        at_home = bool(given and self.home) and origin(checked_url(url)) == origin(checked_url(self.home))
        return dict(given) if at_home else plain(given)

    def _count(self, body: bytes) -> None:
        if self.documents is None:
            return
        self.documents += len(body)
        if self.documents > self.limits.unpacked:
            raise KzError("client.too_large", limit=self.limits.unpacked)

    def _wait(self, url: str) -> None:
        """Sleep until this host may be asked again; KzError harvest.source_busy when that is long, harvest.cancelled when
        nothing is wanted any more.
        """
        if self.ended():
            raise KzError("harvest.cancelled")
        host = urlsplit(url).hostname or ""
        while seconds := pauses.left(host, self.pause):
            if seconds > LONGEST_PAUSE / 10 + 1:
                raise KzError("harvest.source_busy", host=host, seconds=int(seconds))
            time.sleep(seconds)

    def _check(self, answer: Answer, url: str) -> None:
        host = urlsplit(url).hostname or ""
        if answer.status < 300:
            return
        if answer.status in BUSY:
            seconds = retry_after(answer.headers.get("retry-after", ""))
            pauses.rest(host, seconds)
            raise KzError("harvest.source_busy", host=host, seconds=int(seconds))
        if answer.status >= 500:
            raise KzError("harvest.source_failed", host=host, status=str(answer.status))
        if answer.status in (404, 410):
            raise KzError("harvest.not_there", address=self.told(shown(url)))
        if answer.status in (401, 403):
            raise KzError("harvest.not_let_in", host=host, status=str(answer.status))
        raise KzError("harvest.odd_answer", host=host, status=str(answer.status))


def retry_after(header: str) -> float:
    """Seconds that a busy host asks for, at most LONGEST_PAUSE; 5 when it says nothing that is understood."""
    return min(float(header), LONGEST_PAUSE) if header.strip().isdecimal() else 5.0


def _conditions(known: Mapping[str, Any]) -> dict[str, str]:
    named = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("last-modified")}
    return {name: value for name, value in named.items() if value}
