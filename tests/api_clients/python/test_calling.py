"""Requests are made again when the way to the portal fails; here against a server that fails as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.api_clients.python.conftest import Portal

from kzopen_client import Delivery  # isort: skip

DELIVERY = b"""{"id": "1", "dataset": "a", "mode": "replace", "state": "refused", "state_label": "", "size": 1, "sha256": "",
 "rows": 1, "added": null, "changed": null, "unchanged": null, "removed": null, "wrong": null, "version": null}"""


class Failing(HTTPServer):
    """Answers with the statuses of `plan`, then with a delivery; 0 cuts the connection. `keys` and `preferred` came."""

    plan: list[int]
    keys: list[str]
    bodies: list[bytes]
    preferred: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Failing

    def do_POST(self) -> None:
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer()

    def do_GET(self) -> None:
        self.server.preferred.append(self.headers["Prefer"])
        self._answer()

    def _answer(self) -> None:
        status = self.server.plan.pop(0) if self.server.plan else 200
        if not status:
            self.connection.close()
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(DELIVERY)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(DELIVERY)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Failing]:
    made = Failing(("127.0.0.1", 0), Handler)
    made.plan, made.keys, made.bodies, made.preferred = [], [], [], []
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def test_a_sending_that_fails_on_the_way_is_made_again_with_the_same_key(server: Failing) -> None:
    server.plan = [503, 0, 429]

    with Portal(f"http://127.0.0.1:{server.server_port}", "t") as portal:
        assert portal.send("a", [{"b": 1}]).id == "1"

    assert len(server.keys) == 4
    assert len(set(server.keys)) == 1
    assert set(server.bodies) == {b'{"b": 1}'}


def test_what_the_portal_refuses_is_not_tried_again(server: Failing) -> None:
    from kzopen_client import Problem

    server.plan = [403, 200]

    with Portal(f"http://127.0.0.1:{server.server_port}") as portal, pytest.raises(Problem):
        portal.send("a", b"b\n1\n")

    assert len(server.keys) == 1


def test_a_portal_that_is_not_there_is_unreachable() -> None:
    from kzopen_client import Unreachable

    with Portal("http://127.0.0.1:9", tries=2) as portal, pytest.raises(Unreachable):
        portal.dataset("a")


@pytest.mark.parametrize(("seconds", "preferred"), [(600, "wait=10"), (3.9, "wait=3")])
def test_the_portal_is_asked_to_answer_when_a_delivery_is_done(server: Failing, seconds: float, preferred: str) -> None:
    under_way = Delivery.of(json.loads(DELIVERY) | {"state": "checking"})

    with Portal(f"http://127.0.0.1:{server.server_port}", "t") as portal:
        assert portal.wait(under_way, seconds).state == "refused"

    assert server.preferred == [preferred]
