"""Real search engines for tests and benchmarks, from `../shared/tools`: an Elasticsearch node, a Solr with CKAN's schema.

One that runs already is used instead where KZOPEN_TEST_ELASTICSEARCH (`host:port`) or KZOPEN_TEST_SOLR (the address of a core)
names it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

TOOLS = Path(__file__).resolve().parents[2] / "shared/tools"
NODE = TOOLS / "elasticsearch/node"
SOLR = TOOLS / "solr/run"
NEEDED = {"java": "openjdk-17-jdk-headless", "mvn": "maven"}
NAME = "n1"
QUICKLY = ("-XX:TieredStopAtLevel=1",)
"""Options of Java for a node that lives for a minute: it compiles less, and starts in half the time. Benchmarks want all."""
SCHEMA = "config/solr/schema.xml"  # in the package ckan


def lacks(engine: str) -> str | None:
    """What stops `elasticsearch` or `solr` here, in one sentence; None when it can be started, or is given."""
    return None if os.environ.get(f"KZOPEN_TEST_{engine.upper()}") else lacks_tools(engine)


def lacks_tools(engine: str) -> str | None:
    """The same for one that the caller may break, so that one which runs already does not do."""
    if not TOOLS.exists():
        return f"../shared is absent: it brings the {engine.title()} of the tests"
    missing = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    return f"Java or Maven is missing: apt-get install {' '.join(missing)}" if missing else None


@contextmanager
def elasticsearch(*java: str) -> Iterator[str]:
    """`host:port` of an Elasticsearch, which ends with the block when it was started for it, with these options of Java."""
    with coming_elasticsearch(*java) as (address, answers):
        answers.result()
        yield address


@contextmanager
def coming_elasticsearch(*java: str) -> Iterator[tuple[str, Future[None]]]:
    """The same, which may be starting still: `host:port`, and what is done when it answers."""
    given = os.environ.get("KZOPEN_TEST_ELASTICSEARCH")
    if given:
        answers = Future[None]()
        answers.set_result(None)
        yield given, answers
        return
    with _coming_node(java) as (made, answers):
        yield made.address, answers


@dataclass(frozen=True)
class Node:
    """An Elasticsearch with data below `folder`, which may die and be started again."""

    folder: Path
    environment: dict[str, str]
    java: tuple[str, ...] = ()
    port: int = field(default_factory=lambda: _free_port())
    transport: int = field(default_factory=lambda: _free_port())

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Until it answers."""
        options = self.folder / NAME / "config/jvm.options.d/tests.options"
        options.parent.mkdir(parents=True, exist_ok=True)
        options.write_text("".join(f"{option}\n" for option in self.java))
        _run([NODE, "start", NAME, self.port, self.transport], self.environment)

    def end(self, number: signal.Signals) -> None:
        """Send it this signal, and wait until it has ended."""
        noted = self.folder / NAME / "pid"
        process = psutil.Process(int(noted.read_text()))
        process.send_signal(number)
        process.wait(60)
        noted.unlink(missing_ok=True)  # a killed one leaves it behind


@contextmanager
def node() -> Iterator[Node]:
    """An Elasticsearch for this block alone."""
    with _coming_node(QUICKLY) as (made, answers):
        answers.result()
        yield made


@contextmanager
def _coming_node(java: tuple[str, ...]) -> Iterator[tuple[Node, Future[None]]]:
    """A node that starts while the block goes on, and what is done when it answers; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as beside:
        Path(folder).chmod(0o755)  # as root it runs under another user
        environment = os.environ | {"ES_NODES": folder} | _kept("ES_HOME_DIR", "kzopen-es")
        made = Node(Path(folder), environment, java)
        answers = beside.submit(made.start)  # which builds what is not built yet
        try:
            yield made, answers
        finally:
            wait([answers])
            _run([NODE, "stop", NAME], environment)


@contextmanager
def solr(core: str) -> Iterator[str]:
    """The address of an empty core, `http://host:port/solr/core`, of a Solr that ends with the block."""
    given = os.environ.get("KZOPEN_TEST_SOLR")
    if given:
        yield given
        return
    import ckan

    environment = os.environ | _kept("SOLR_DIR", "kzopen-solr")
    port = _free_port()
    _run([SOLR, "start", Path(ckan.__path__[0]) / SCHEMA, port, core], environment)
    try:
        yield f"http://127.0.0.1:{port}/solr/{core}"
    finally:
        _run([SOLR, "stop", port], environment)
        shutil.rmtree(Path(environment.get("SOLR_DIR", _cache() / "kzopen-solr")) / f"home-{port}", ignore_errors=True)


def _kept(variable: str, name: str) -> dict[str, str]:
    """Where the unpacked program is kept between runs; for root a place that the program's own user may read."""
    return {} if variable in os.environ or os.getuid() else {variable: f"/var/cache/{name}"}


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))


def _run(command: list[object], environment: dict[str, str]) -> None:
    subprocess.run([str(word) for word in command], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=600)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
