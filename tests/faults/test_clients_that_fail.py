"""Clients that stall, creep, cut and lie about the length of what they send; kill -9 of the web worker during uploads.

Nothing of them is published, nothing stays behind, and others are served meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.conftest import ROOT, STALLED_AFTER, LivePortal

PATIENCE = STALLED_AFTER  # seconds
ROWS = b"code,amount\n1,10\n2,20\n3,30\n"
OWNER = "demo-kolbulak"


@pytest.fixture
def uri(live_portal: LivePortal) -> str:
    """A data set without rows."""
    name = f"failing-{uuid4().hex[:10]}"
    fields = [{"name": "code", "type": "string"}, {"name": "amount", "type": "integer"}]
    passport = {
        "title": {"kk": "Сынақ", "ru": "Проверка"},
        "description": {"kk": "Сынақ", "ru": "Проверка"},
        "owner": OWNER,
        "category": "statistics",
        "periodicity": "ONCE",
        "schema": {"fields": fields, "primaryKey": ["code"]},
    }
    api(live_portal).put(f"/datasets/{name}", json=passport).raise_for_status()
    return name


def token(portal: LivePortal) -> str:
    return portal.accounts["operator"]["token"]


def api(portal: LivePortal) -> httpx.Client:
    headers = {"Authorization": token(portal), "Accept-Language": "en"}
    return httpx.Client(base_url=f"{portal.url}/api/universal/v1", headers=headers, timeout=60)


@contextmanager
def connected(portal: LivePortal, uri: str, length: str) -> Iterator[socket.socket]:
    """A connection on which the head of a sending was written, with this Content-Length."""
    host, port = portal.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE * 3) as made:
        head = (
            f"POST /api/universal/v1/datasets/{uri}/rows HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token(portal)}\r\n"
            f"Content-Type: text/csv\r\nAccept-Language: en\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
        made.sendall(head.encode())
        yield made


def answer(connection: socket.socket) -> tuple[int, str]:
    """The status, and all that was said."""
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionResetError:
        pass
    text = said.decode(errors="replace")
    return (int(text.split(" ")[1]) if text.startswith("HTTP/") else 0), text


def bodies(portal: LivePortal) -> set[Path]:
    """All that lies in the inbox."""
    return {path for path in portal.data.rglob("deliveries/**/*") if path.is_file()}


def nothing_came(portal: LivePortal, uri: str) -> None:
    assert api(portal).get(f"/datasets/{uri}").json()["version"] is None


def test_clients_that_stall_or_creep_are_given_up_and_nothing_stays(live_portal: LivePortal, uri: str) -> None:
    before, began, stop = bodies(live_portal), time.monotonic(), threading.Event()
    with connected(live_portal, uri, "1000") as stalling, connected(live_portal, uri, "1000") as creeping:
        stalling.sendall(ROWS)
        thread = threading.Thread(target=creep, args=[creeping, stop], daemon=True)
        thread.start()
        for status, said in (answer(stalling), answer(creeping)):
            assert (status, "publishing.stalled" in said) == (408, True)
            assert PATIENCE - 2 < time.monotonic() - began < PATIENCE * 2
        stop.set()

    assert bodies(live_portal) == before
    nothing_came(live_portal, uri)


def creep(connection: socket.socket, stop: threading.Event) -> None:
    """A byte each second."""
    while not stop.wait(1):
        try:
            connection.sendall(b"x")
        except OSError:
            return


def test_others_are_served_while_clients_stall(live_portal: LivePortal, uri: str) -> None:
    with connected(live_portal, uri, "1000"), connected(live_portal, uri, "1000"):
        began = time.monotonic()
        assert api(live_portal).post(f"/datasets/{uri}/rows", content=ROWS).status_code in (200, 202)
        assert time.monotonic() - began < PATIENCE - 1


def test_a_client_that_cuts_leaves_nothing(live_portal: LivePortal, uri: str) -> None:
    before = bodies(live_portal)
    with connected(live_portal, uri, "1000") as connection:
        connection.sendall(ROWS)
        connection.shutdown(socket.SHUT_WR)
        status, said = answer(connection)

    assert (status, "publishing.cut_off" in said) == (400, True)
    assert bodies(live_portal) == before
    nothing_came(live_portal, uri)


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999999999999999"])
def test_a_length_that_is_none_is_refused(live_portal: LivePortal, uri: str, length: str) -> None:
    with connected(live_portal, uri, length) as connection:
        status, _ = answer(connection)

    assert status in (400, 413)
    nothing_came(live_portal, uri)


def test_a_length_shorter_than_the_body_is_found_by_its_digest(live_portal: LivePortal, uri: str) -> None:
    cut = ROWS[:-2]
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(ROWS).digest()).decode()}:"

    told = api(live_portal).post(f"/datasets/{uri}/rows", content=cut, headers={"Content-Digest": digest})

    assert (told.status_code, told.json()["code"]) == (400, "publishing.wrong_digest")
    nothing_came(live_portal, uri)


MEASURED = int(os.environ.get("KZOPEN_LARGE_BODY_MB", "256"))


def test_a_large_body_costs_the_web_worker_little_memory(live_portal: LivePortal, uri: str) -> None:
    """`KZOPEN_LARGE_BODY_MB=2047` is the largest that the portal takes."""
    # The worker sees by its first bytes that this is no table, and does not read the rest.
    head, piece, left = b"%PDF-1.7\n", b"x" * (1 << 20), MEASURED << 20
    api(live_portal).get("/openapi.json")
    for worker in workers(live_portal):
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # its peak is what it has now
    before = peak(live_portal)

    def body() -> Iterator[bytes]:
        sent = len(head)
        yield head
        while sent < left:
            yield piece[: left - sent]
            sent += len(piece)

    began = time.monotonic()
    answered = api(live_portal).post(f"/datasets/{uri}/rows?check=only", content=body(), timeout=900)
    cost = peak(live_portal) - before

    assert answered.status_code == 202, answered.text
    took = time.monotonic() - began
    print(f"{MEASURED} MB received in {took:.1f} s; web worker {cost >> 10} MB above {before >> 10} MB")
    assert answered.json()["size"] == left
    assert cost < 200 << 10


def workers(portal: LivePortal) -> list[psutil.Process]:
    status = json.loads((portal.data / "run" / "status.json").read_text())
    (web,) = [row["pid"] for row in status["processes"] if row["name"] == "web"]
    return psutil.Process(web).children()


def peak(portal: LivePortal) -> int:
    """The largest resident size that any web worker has had since its peak was forgotten, in kB."""
    found = []
    for worker in workers(portal):
        lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
        found += [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return max(found)


def test_web_workers_killed_during_uploads_lose_nothing(
    live_portal: LivePortal, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.path.insert(0, str(ROOT / "api_clients/python"))
    from kzopen_client import Portal

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    body = tmp_path / "rows.csv"
    body.write_text("code,amount\n" + "".join(f"{number:040d},{number}\n" for number in range(800_000)))
    killed: list[int] = []

    def kill(sent: int, total: int) -> None:
        if sent and sent < total and len(killed) < 3:
            for worker in workers(live_portal):
                threading.Timer(0.02, os.kill, (worker.pid, signal.SIGKILL)).start()
            killed.append(sent)

    with Portal(live_portal.url, token(live_portal), tries=12) as portal:
        delivery = portal.send(uri, body, progress=kill)
        versions = portal.versions(uri)

    assert len(killed) == 3
    assert (delivery.state, delivery.rows, delivery.sha256) == (
        "accepted",
        800_000,
        hashlib.sha256(body.read_bytes()).hexdigest(),
    )
    assert [version.number for version in versions] == [1]
