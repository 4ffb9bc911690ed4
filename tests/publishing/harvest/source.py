"""A catalogue on this machine that a harvest source reads: JSON pages and CSV files, whatever the test wants it to do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Handler = BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


@dataclass
class Thing:
    """One data set of the catalogue: its table, and when it says that it changed."""

    body: bytes
    changed: str | None = "1"
    title: str = "Жинақ"


@dataclass
class Catalogue:
    """What the server has, what it was asked, and answers that it gives instead (by the beginning of the path).

    `heard` is called after each question has been noted and before it is answered.
    """

    things: dict[str, Thing] = field(default_factory=dict)
    size: int = 10
    total: int | None = None
    instead: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    port: int = 0
    heard: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fill(self, number: int, begin: int = 0) -> None:
        """So many data sets of three rows each."""
        for place in range(begin, begin + number):
            self.things[f"set-{place:03d}"] = Thing(table(3, place))

    def requests(self, path: str) -> list[str]:
        return [one for one in self.asked if one.startswith(path)]

    def page(self, number: int) -> bytes:
        names = list(self.things)[(number - 1) * self.size : number * self.size]
        items = [self._told(name, self.things[name]) for name in names]
        return json.dumps({"total": len(self.things) if self.total is None else self.total, "items": items}).encode()

    def _told(self, name: str, thing: Thing) -> dict[str, Any]:
        return {"id": name, "changed": thing.changed, "title": thing.title, "url": f"{self.url}/file/{name}.csv"}

    def settings(self, **more: Any) -> dict[str, Any]:
        """The settings of a source of kind `json_api` that reads this catalogue."""
        return {
            "address": f"{self.url}/list",
            "gives": "catalogue",
            "records": "$.items[*]",
            "paging": "page",
            "total_path": "$.total",
            "fields": {"id": "$.id", "changed": "$.changed", "title_ru": "$.title", "download": "$.url"},
        } | more


def table(rows: int, seed: int = 0) -> bytes:
    """A small table as CSV."""
    return b"code,amount\n" + b"".join(f"k{seed:03d}{row:04d},{row * (seed + 1)}\n".encode() for row in range(rows))


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    catalogue: Catalogue

    def do_GET(self) -> None:
        found = self.catalogue
        found.asked.append(self.path)
        found.heard()
        found.busy += 1
        found.busiest = max(found.busiest, found.busy)
        try:
            self._answer(found)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            found.busy -= 1

    def _answer(self, found: Catalogue) -> None:
        for beginning, answer in found.instead.items():
            if self.path.startswith(beginning):
                answer(self)
                return
        parts = urlsplit(self.path)
        if parts.path == "/list":
            send(self, 200, found.page(int(parse_qs(parts.query).get("page", ["1"])[0])), "application/json")
            return
        name = parts.path.removeprefix("/file/").removesuffix(".csv")
        if name not in found.things:
            send(self, 404, b"nothing")
            return
        body = found.things[name].body
        mark = f'"{sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == mark:
            send(self, 304, b"")
        else:
            send(self, 200, body, "text/csv", ETag=mark)

    def log_message(self, *_: Any) -> None:
        """Tests look at `asked` instead."""


def send(handler: Handler, status: int, body: bytes, kind: str = "text/plain", **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(catalogue: Catalogue, port: int = 0) -> Iterator[Catalogue]:
    """The catalogue behind a real HTTP server until the end of the block."""
    handler = type("Requests", (_Requests,), {"catalogue": catalogue})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    catalogue.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield catalogue
    finally:
        server.shutdown()
        server.server_close()


# --- what hostile or broken sources do ---


def says(status: int, body: bytes = b"", kind: str = "text/plain", **headers: str) -> Answer:
    return lambda handler: send(handler, status, body, kind, **headers)


def stalls(seconds: float) -> Answer:
    def answer(handler: Handler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return answer


def drips(seconds: float) -> Answer:
    """A byte now and then, and more was promised."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.25)

    return answer


def cuts(handler: Handler) -> None:
    """Half of what was promised, then the end of the connection."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"code,amount\nk1,")
    handler.close_connection = True
