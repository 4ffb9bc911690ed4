"""The agent as its own processes, and a portal whose web server the tests can take away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.model import Delivery

from tests.publishing.conftest import Agency, Api, agency, passport

__all__ = ["agency"]

AGENT = Path(__file__).resolve().parents[3] / "api_clients" / "agent"
QUICK = Path(__file__).with_name("quick.py")
FIELDS = [
    {"name": "bin", "type": "string", "constraints": {"required": True}},
    {"name": "name", "type": "string"},
    {"name": "pupils", "type": "integer"},
]


@dataclass
class Gate:
    """A web server before the portal: it can be closed, cut requests and answers off, and it counts what came through, with
    the idempotency keys of deliveries."""

    app: CKANTestApp
    port: int = 0
    fails: list[str] = field(default_factory=list)
    came: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length", "0"))
        how = self.fails.pop(0) if self.fails else ""
        if how == "request cut":
            handler.rfile.read(length // 2)
            handler.close_connection = True
            return
        body = handler.rfile.read(length)
        self.came.append(f"{handler.command} {handler.path}")
        if how == "away":
            handler.close_connection = True
            return
        self.keys += filter(None, [handler.headers.get("Idempotency-Key")])
        with self.turn:
            answer = self.app.test_client(use_cookies=False).open(
                handler.path, method=handler.command, data=body or None, headers=list(handler.headers.items())
            )
        if how == "answer lost":
            handler.close_connection = True
            return
        handler.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.data)))
        handler.end_headers()
        handler.close_connection = how == "answer cut"
        handler.wfile.write(answer.data[: len(answer.data) // 2] if how == "answer cut" else answer.data)


@pytest.fixture
def gate(app: CKANTestApp) -> Iterator[Gate]:
    found = Gate(app)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.pass_on(self)

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@dataclass
class Agent:
    """The agent with its own folder, and the data set to which it sends."""

    folder: Path
    gate: Gate
    agency: Agency
    uri: str
    quick: bool = True

    def configure(self, source: str, every: str = "1s", token: str = "") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        head = f'portal = "{self.gate.url}"\ntoken = "{token or self.agency.token}"\n'
        head += f'state = "{self.folder}/state"\nlanguage = "en"\n'
        table = f'[[table]]\ndataset = "{self.uri}"\nkey = ["bin"]\nevery = "{every}"\n{source}\n'
        (self.folder / "agent.toml").write_text(head + table)

    def command(self, *words: str) -> list[str]:
        program = [str(QUICK)] if self.quick else ["-m", "kzopen_agent"]
        return [sys.executable, *program, "--config", str(self.folder / "agent.toml"), *words]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(AGENT), "PYTHONUNBUFFERED": "1"}

    def run(self, *words: str, expect: int = 0) -> str:
        """One command of the agent, with what it said."""
        done = subprocess.run(self.command(*words), env=self.environment, capture_output=True, text=True, timeout=150)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(self.command("run"), env=self.environment, text=True)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)

    def published(self) -> dict[str, tuple[str, str]]:
        """What the portal has: name and pupils by key."""
        answer = self.gate.app.get(f"/data/{self.uri}.json")
        rows = json.loads(answer.data)
        found = rows if isinstance(rows, list) else rows.get("rows") or rows["data"]
        assert len({row["bin"] for row in found}) == len(found), found
        return {row["bin"]: (row["name"], row["pupils"]) for row in found}

    def versions(self) -> dict[str, int]:
        """How many versions each idempotency key has made."""
        told = Api(self.gate.app, self.agency.token).get(f"/datasets/{self.uri}/versions").json["versions"]
        with self.gate.app.flask_app.test_request_context():
            keys = [model.Session().get_one(Delivery, UUID(version["delivery"])).idempotency_key for version in told]
        return dict(Counter(map(str, keys)))

    def sent(self) -> dict[str, int]:
        """What `versions` must be: one version for each key that came through, however often it came."""
        return dict.fromkeys(self.gate.keys, 1)

    def published_or_none(self) -> dict[str, tuple[str, str]] | None:
        """The same; None before the first version."""
        return self.published() if self.gate.app.get(f"/data/{self.uri}.json").status_code == 200 else None


@pytest.fixture
def agent(tmp_path: Path, gate: Gate, agency: Agency, app: CKANTestApp) -> Agent:
    uri = f"agent-{agency.name[-10:]}"
    answer = Api(app, agency.token).put(uri, passport(agency.name, fields=FIELDS))
    assert answer.status_code == 201, answer.json
    return Agent(tmp_path / "agent", gate, agency, uri)


def until(holds: Callable[[], bool], seconds: float = 60) -> float:
    """Wait until it holds; the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.2)
    return time.monotonic() - began
