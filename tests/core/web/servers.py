"""Small real servers on this machine that misbehave in chosen ways."""

from __future__ import annotations

import gzip
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    """What a server was asked: method, path, headers, body."""

    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def paths(self) -> list[str]:
        return [path for _method, path, _headers, _body in self.requests]


Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def serving(reply: Callable[[str, str], Reply], host: str = "127.0.0.1") -> Iterator[Seen]:
    """A server that answers `reply(method, path)`; yields what it sees."""
    seen = Seen()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            seen.requests.append((self.command, self.path, dict(self.headers), body))
            status, headers, content = reply(self.command, self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_HEAD = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Silent: what was asked is in `seen`."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    seen.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def dripping(head: bytes, drop: bytes, every: float) -> Iterator[int]:
    """A server that sends `head` and then `drop` again and again, one each `every` seconds; yields its port."""
    ended = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self.request.recv(65536)
                self.request.sendall(head)
                while not ended.wait(every):
                    self.request.sendall(drop)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            ended.set()
            server.shutdown()


def gzip_bomb(megabytes: int) -> bytes:
    """Zeros that pack a thousandfold."""
    return gzip.compress(bytes(megabytes * 1_000_000))


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start
