"""How a kind of source asks other machines: through the portal's one safe client, politely, under limits.

Pauses between requests to one host and a host's own `Retry-After` are those of `pauses`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from ckanext.kzopen.core.web.client import Answer, Client, Limits
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import pauses

BUSY = (429, 503)
LONGEST_PAUSE = 600.0
TEMPORARY = frozenset(
    {"client.too_slow", "client.unreachable", "client.broken_body", "harvest.source_failed", "harvest.source_busy"}
)
"""Errors after which it is worth to try again."""


class NotChanged(Exception):
    """The source says by ETag or Last-Modified that an address still has the bytes that were fetched before."""


@dataclass
class Reach:
    """The outside, for one job. `pause` are the least seconds between two requests to one host.

    `validators` holds what is known of addresses that were fetched before, `fresh` what was learnt of them now.
    """

    client: Client
    limits: Limits = field(default_factory=Limits)
    pause: float = 0.0
    validators: Mapping[str, Any] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    received: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.close()

    def text(self, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None) -> tuple[Answer, bytes]:
        """The answer to a GET (a POST when there is a content) and its whole body; KzError unless it is a good one."""
        self._wait(url)
        method = "GET" if content is None else "POST"
        with self.client.open(method, url, headers=headers, content=content) as answer:
            self._check(answer, url)
            body = answer.body()
        self.received += len(body)
        return answer, body

    def json(self, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None) -> Any:
        """What a JSON answer holds, fractions as decimals; None for an answer without a body."""
        answer, body = self.text(url, {"Accept": "application/json", **(headers or {})}, content)
        return None if answer.status == 204 or not body.strip() else parsed(body, url)

    def download(self, url: str, into: Path, headers: Mapping[str, str] | None = None) -> Answer:
        """Write what lies at the address into the file; raises NotChanged when it is what was fetched before."""
        self._wait(url)
        known = self.validators.get(url) or {}
        asked = {**(headers or {}), **_conditions(known)}
        with self.client.open("GET", url, headers=asked, limits=self.limits) as answer:
            if answer.status == 304 and known:
                self.fresh[url] = known
                raise NotChanged
            self._check(answer, url)
            with into.open("wb") as file:
                for chunk in answer.chunks:
                    self.received += len(chunk)
                    file.write(chunk)
        self.fresh[url] = {name: answer.headers[name] for name in ("etag", "last-modified") if name in answer.headers}
        return answer

    def _wait(self, url: str) -> None:
        """Sleep until this host may be asked again; KzError harvest.source_busy when that is long."""
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
            raise KzError("harvest.not_there", address=url)
        if answer.status in (401, 403):
            raise KzError("harvest.not_let_in", host=host, status=str(answer.status))
        raise KzError("harvest.odd_answer", host=host, status=str(answer.status))


def parsed(body: bytes, url: str) -> Any:
    """The JSON of a body; KzError harvest.not_json for anything else, such as a page of HTML."""
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        start = body[:60].decode("utf-8", "replace")
        raise KzError("harvest.not_json", address=url, start=" ".join(start.split())) from error


def retry_after(header: str) -> float:
    """Seconds that a busy host asks for, at most LONGEST_PAUSE; 5 when it says nothing that is understood."""
    return min(float(header), LONGEST_PAUSE) if header.strip().isdecimal() else 5.0


def _conditions(known: Mapping[str, Any]) -> dict[str, str]:
    named = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("last-modified")}
    return {name: value for name, value in named.items() if value}
