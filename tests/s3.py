"""An S3-compatible server of the tests' own, which fails when it is told to."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

KINDS = ("500", "503", "cut", "cut after", "short", "slow")
"""How a request may go wrong: errors, a connection that is cut before the request is served or when it was, an object of which
only half arrives though the answer is well, an answer that takes long."""
SLOW = 0.3
"""Seconds."""


@dataclass
class Faults:
    """What goes wrong: a `share` of the requests, by chance, in one of the ways `kinds`; `happened` counts them."""

    chance: random.Random = field(default_factory=random.Random)
    share: float = 0.0
    kinds: tuple[str, ...] = KINDS
    happened: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, method: str) -> str:
        """What goes wrong with this request; "" for nothing."""
        with self._lock:
            if self.chance.random() >= self.share:
                return ""
            kind = self.chance.choice(self.kinds)
            if kind == "short" and method != "PUT":
                return ""
            self.happened[kind] += 1
            return kind


def cut(environ: Any) -> None:
    """The end of the connection."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)


def halve(path: str) -> None:
    """Let the server forget half of an object; nothing where the path is none's."""
    bucket, _, name = path.lstrip("/").partition("/")
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, name) if name else None
    if found is not None:
        found.value = found.value[: len(found.value) // 2]


class Server(ThreadedMotoServer):
    """moto, whose answer to the end of an upload in parts has another name than S3's, by its right name."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(ip_address="127.0.0.1", port=0, verbose=False)
        self.faults = faults

    def _server_entry(self) -> None:
        self._server = make_server(self._ip_address, self._port, self.answer, threaded=True)
        self._server_ready_event.set()
        self._server.serve_forever()

    inner = DomainDispatcherApplication(create_backend_app)

    def answer(self, environ: Any, start_response: Any) -> Any:
        """What moto answers, unless something goes wrong."""
        match self.faults.next(environ["REQUEST_METHOD"]):
            case "500" | "503" as status:
                Request(environ).get_data()
                return Response(status=int(status))(environ, start_response)
            case "cut":
                cut(environ)
                return []
            case "cut after":
                Response.from_app(self.well, environ)
                cut(environ)
                return []
            case "short":
                answered = Response.from_app(self.well, environ)
                halve(environ["PATH_INFO"])
                return answered(environ, start_response)
            case "slow":
                time.sleep(SLOW)
        return self.well(environ, start_response)

    def well(self, environ: Any, start_response: Any) -> Any:
        """The answer of a server that works."""
        if environ["REQUEST_METHOD"] != "POST" or "uploadId=" not in environ["QUERY_STRING"]:
            return self.inner(environ, start_response)
        found = Response.from_app(self.inner, Request(environ).environ)
        found.set_data(found.get_data().replace(b"CompleteMultipartUploadResponse", b"CompleteMultipartUploadResult"))
        return found(environ, start_response)


@contextmanager
def running(faults: Faults | None = None) -> Iterator[str]:
    """The address of a running server."""
    server = Server(faults or Faults())
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client(endpoint: str) -> Any:
    """A client of the server, in the account of the tests."""
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="kz", aws_secret_access_key="open", region_name="us-east-1"
    )


def new_bucket(endpoint: str) -> str:
    """A bucket of its own; its address with an account."""
    name = f"portal-{uuid4().hex[:8]}"
    client(endpoint).create_bucket(Bucket=name)
    return f"s3://kz:open@{name}/files?endpoint={endpoint}"
