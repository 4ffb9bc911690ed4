"""An S3-compatible server of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.server import ThreadedMotoServer
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response


class Server(ThreadedMotoServer):
    """moto, whose answer to the end of an upload in parts has another name than S3's, by its right name."""

    def _server_entry(self) -> None:
        self._server = make_server(self._ip_address, self._port, self.answer, threaded=True)
        self._server_ready_event.set()
        self._server.serve_forever()

    inner = DomainDispatcherApplication(create_backend_app)

    def answer(self, environ: Any, start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] != "POST" or "uploadId=" not in environ["QUERY_STRING"]:
            return self.inner(environ, start_response)
        found = Response.from_app(self.inner, Request(environ).environ)
        found.set_data(found.get_data().replace(b"CompleteMultipartUploadResponse", b"CompleteMultipartUploadResult"))
        return found(environ, start_response)


@contextmanager
def running() -> Iterator[str]:
    """The address of a running server."""
    server = Server(ip_address="127.0.0.1", port=0, verbose=False)
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
