"""Clients that stall, creep, cut and lie about the length of what they send; kill -9 of the web worker during uploads.

Nothing of them is published, nothing stays behind, and others are served meanwhile.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.conftest import NO_TLS, ROOT, STALLED_AFTER, LivePortal

PATIENCE = STALLED_AFTER  # seconds
ROWS = b"code,amount\n1,10\n2,20\n3,30\n"
OWNER = "demo-kolbulak"


@pytest.fixture
def uri(live_portal: LivePortal) -> str:
    """A data set without rows."""
    return dataset(live_portal, [{"name": "code", "type": "string"}, {"name": "amount", "type": "integer"}])


def dataset(portal: LivePortal, fields: list[dict[str, str]]) -> str:
    """The name of a new data set with these columns; `code` is its key."""
    name = f"failing-{uuid4().hex[:10]}"
    passport = {
        "title": {"kk": "Сынақ", "ru": "Проверка"},
        "description": {"kk": "Сынақ", "ru": "Проверка"},
        "owner": OWNER,
        "category": "statistics",
        "periodicity": "ONCE",
        "schema": {"fields": fields, "primaryKey": ["code"]},
    }
    api(portal).put(f"/datasets/{name}", json=passport).raise_for_status()
    return name


def token(portal: LivePortal) -> str:
    return portal.accounts["operator"]["token"]


def api(portal: LivePortal) -> httpx.Client:
    headers = {"Authorization": token(portal), "Accept-Language": "en"}
    return httpx.Client(base_url=f"{portal.url}/api/universal/v1", headers=headers, timeout=60, verify=NO_TLS)


@contextmanager
def connected(portal: LivePortal, uri: str, length: str, *more: str) -> Iterator[socket.socket]:
    """A connection on which the head of a sending was written, with this Content-Length and `more` lines."""
    host, port = portal.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE * 3) as made:
        head = (
            f"POST /api/universal/v1/datasets/{uri}/rows HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token(portal)}\r\n"
            f"Content-Type: text/csv\r\nAccept-Language: en\r\nContent-Length: {length}\r\nConnection: close\r\n"
        )
        made.sendall("".join([head, *(f"{line}\r\n" for line in more), "\r\n"]).encode())
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


DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(ROWS).digest()).decode()}:"


def test_a_body_that_was_cut_on_its_way_is_found_by_its_digest(live_portal: LivePortal, uri: str) -> None:
    told = api(live_portal).post(f"/datasets/{uri}/rows", content=ROWS[:-2], headers={"Content-Digest": DIGEST})

    assert (told.status_code, told.json()["code"]) == (400, "publishing.wrong_digest")
    nothing_came(live_portal, uri)


SHORT = len(ROWS) - 2
"""A Content-Length that leaves out the last digit and the end of its line."""


def test_a_length_shorter_than_the_body_is_found_by_the_digest(live_portal: LivePortal, uri: str) -> None:
    before = bodies(live_portal)
    with connected(live_portal, uri, str(SHORT), f"Content-Digest: {DIGEST}") as connection:
        connection.sendall(ROWS)
        status, said = answer(connection)

    assert (status, "publishing.wrong_digest" in said) == (400, True)
    assert said.count("HTTP/1.1 ") == 1
    assert bodies(live_portal) == before
    nothing_came(live_portal, uri)


def test_without_a_digest_a_body_ends_where_its_length_says(live_portal: LivePortal, uri: str) -> None:
    """HTTP knows no other end: what lies behind it is never taken for rows or for another request."""
    with connected(live_portal, uri, str(SHORT)) as connection:
        connection.sendall(ROWS)
        status, said = answer(connection)

    assert (status in (200, 202), said.count("HTTP/1.1 ")) == (True, 1)
    told = json.loads(said.split("\r\n\r\n", 1)[1])
    assert (told["size"], told["sha256"]) == (SHORT, hashlib.sha256(ROWS[:SHORT]).hexdigest())
    until = time.monotonic() + 60
    while api(live_portal).get(f"/deliveries/{told['id']}").json()["state"] != "accepted":
        assert time.monotonic() < until
        time.sleep(0.2)
    published = httpx.get(f"{live_portal.url}/data/{uri}.csv", verify=NO_TLS).text
    rows = [["code", "amount"], ["1", "10"], ["2", "20"], ["3", "3"]]
    assert list(csv.reader(published.removeprefix("\ufeff").splitlines())) == rows


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


LARGEST = 2047 << 20
"""Bytes of the largest body that the portal takes."""
LINE = "{:010d},{}," + "x" * 1000 + "\n"
WORKER_SHARE = 1.5
"""Of the body's size, what the worker may take for itself while it checks long texts; they are held once, as columns."""


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_largest_csv_costs_the_web_worker_little_memory_and_the_worker_little_more_than_its_size(
    live_portal: LivePortal,
) -> None:
    """Its lines are made as they are sent; the worker reads all of them, and nothing is published."""
    fields = [{"name": "code", "type": "string"}, {"name": "amount", "type": "integer"}, {"name": "note", "type": "string"}]
    uri, worker = dataset(live_portal, fields), process(live_portal, "worker")
    for one in workers(live_portal):
        Path(f"/proc/{one.pid}/clear_refs").write_text("5")
    before, began, rows = peak(live_portal), time.monotonic(), (LARGEST - 64) // len(LINE.format(0, 10**9))

    def body() -> Iterator[bytes]:
        yield b"code,amount,note\n"
        for first in range(0, rows, 1000):
            yield "".join(LINE.format(row, 10**9 + row) for row in range(first, min(first + 1000, rows))).encode()

    answered = api(live_portal).post(f"/datasets/{uri}/rows?check=only", content=body(), timeout=1800)
    received, cost = time.monotonic() - began, peak(live_portal) - before
    assert answered.status_code == 202, answered.text
    until, most = time.monotonic() + 1800, own_memory(worker)
    while (found := api(live_portal).get(f"/deliveries/{answered.json()['id']}").json())["state"] in ("received", "checking"):
        assert time.monotonic() < until, found
        most = max(most, own_memory(worker))
        time.sleep(0.1)
    checked = time.monotonic() - began - received
    size = answered.json()["size"]
    print(f"{size >> 20} MB, {rows} rows: received in {received:.0f} s, web worker {cost >> 10} MB above {before >> 10} MB")
    print(f"checked in {checked:.0f} s, worker {most >> 10} MB at most")
    assert (found["state"], found["rows"]) == ("awaiting_approval", rows), found
    assert (size > LARGEST * 0.99, cost < 200 << 10, most << 10 < size * WORKER_SHARE) == (True, True, True)
    nothing_came(live_portal, uri)


def process(portal: LivePortal, name: str) -> psutil.Process:
    status = json.loads((portal.data / "run" / "status.json").read_text())
    (found,) = [row["pid"] for row in status["processes"] if row["name"] == name]
    return psutil.Process(found)


def workers(portal: LivePortal) -> list[psutil.Process]:
    return process(portal, "web").children()


def peak(portal: LivePortal) -> int:
    """The largest resident size that any web worker has had since its peak was forgotten, in kB."""
    return max(high_water(worker) for worker in workers(portal))


def high_water(one: psutil.Process) -> int:
    return _told(one, "VmHWM:")


def own_memory(one: psutil.Process) -> int:
    """Resident kB that are the process's own: pages of a file that it reads by mapping it are the system's cache."""
    return _told(one, "RssAnon:")


def _told(one: psutil.Process, name: str) -> int:
    lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def kill_if_there(worker: psutil.Process) -> None:
    """One that went by itself, or with its kin, is as dead."""
    with suppress(psutil.NoSuchProcess):
        worker.kill()


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
                threading.Timer(0.02, kill_if_there, (worker,)).start()
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
