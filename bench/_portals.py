"""Two portals over the same data sets: ours as it ships, and stock CKAN on Solr, each with its own database and web server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import processes
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.serve import free_port
from ckanext.kzopen.runtime.testing.portals import fresh_databases, options_of, test_portal
from ckanext.kzopen.runtime.testing.suites import Suite

from bench import _ours, _sets
from tests import search_engines

ROOT = Path(__file__).resolve().parents[1]
CKAN = str(Path(sys.executable).parent / "ckan")
FIRST_PORT = 14_010
STARTS_WITHIN = 120


@dataclass(frozen=True)
class Side:
    """A portal that can be asked: its address, the token of an administrator, its ini and its database."""

    url: str
    token: str
    ini: Path
    database: str

    def client(self) -> httpx.Client:
        """A client that keeps its connection, as programs do."""
        return httpx.Client(base_url=self.url, headers={"Authorization": self.token}, timeout=120)

    def ckan(self, *words: str) -> str:
        """A command of CKAN on this portal; what it prints."""
        done = subprocess.run([CKAN, "-c", str(self.ini), *words], capture_output=True, text=True, timeout=3600)
        if done.returncode:
            raise RuntimeError(f"ckan {' '.join(words)}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        return done.stdout


@dataclass(frozen=True)
class Both:
    """Ours, and stock CKAN, with `count` data sets each; `portal` is where ours keeps its things."""

    ours: Side
    stock: Side
    portal: Portal
    count: int


@contextmanager
def both(count: int, workers: int, options: dict[str, str], say: Callable[[str], None]) -> Iterator[Both]:
    """Both portals with `count` data sets in their databases, nothing indexed yet; `options` go over what ours ships with."""
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder, ExitStack() as stack:
        port = free_port("127.0.0.1", FIRST_PORT)
        search_url = _ours.search_url("bench-portal")
        settings = Settings(data=Path(folder) / "data", demo=False, port=port, workers=workers, search_url=search_url)
        portal, suite = Portal(settings), Suite("bench", [], options, worker=False)
        ini = stack.enter_context(test_portal(portal, suite))
        token = json.loads(portal.accounts.read_text())["operator"]["token"]
        address = options_of(portal, suite)["sqlalchemy.url"]
        ours = Side(f"http://127.0.0.1:{port}", token, ini, address)
        solr = stack.enter_context(search_engines.solr("ckan"))
        stock = _stock(portal, solr, Path(folder))
        for side in (ours, stock):
            _sets.copied(side.database, count)
        say(f"{count:,} data sets in both databases")
        stack.enter_context(_running(ours, _our_server(portal), Path(folder) / "ours.log"))
        stack.enter_context(_running(stock, _stock_server(stock, workers), Path(folder) / "stock.log"))
        yield Both(ours, stock, portal, count)


def _stock(portal: Portal, solr: str, folder: Path) -> Side:
    """CKAN 2.12 with no plugin and its own search, prepared."""
    side = stock_ini(portal, solr, folder)
    side.ckan("db", "init")
    side.ckan("user", "add", "bench", "email=bench@example.org", "password=walnut-harbour-velvet")
    side.ckan("sysadmin", "add", "bench")
    return replace(side, token=side.ckan("user", "token", "add", "bench", "bench", "-q").split()[-1])


def stock_ini(portal: Portal, solr: str, folder: Path, more: Mapping[str, str] | None = None) -> Side:
    """What stock CKAN is told (`more` goes over it), and its empty database: no table is made yet, nobody has an account."""
    fresh_databases(portal, "stock")
    port = free_port("127.0.0.1", FIRST_PORT + 40)
    side = Side(f"http://127.0.0.1:{port}", "", folder / "stock.ini", socket_url("kzopen", "stock_ckan", portal.sockets))
    options = {
        "use": "egg:ckan",
        "sqlalchemy.url": side.database,
        "solr_url": solr,
        "ckan.redis.url": f"unix://{portal.sockets}/valkey.sock?db=3",
        "ckan.site_id": "stock",
        "ckan.site_url": side.url,
        "ckan.plugins": "",
        "ckan.storage_path": str(folder / "stock"),
        "ckan.base_public_folder": "public",
        "ckan.base_templates_folder": "templates",
        "SECRET_KEY": "a key of a benchmark that lives for minutes",
        "api_token.jwt.encode.secret": "string:another key of the benchmark, also short",
        "api_token.jwt.decode.secret": "string:another key of the benchmark, also short",
    } | dict(more or {})
    lines = [f"{name} = {value.replace('%', '%%')}" for name, value in options.items()]
    side.ini.write_text("[app:main]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return side


@contextmanager
def waiting(both: Both, workers: int, seconds: float) -> Iterator[Side]:
    """Ours once more, at an address of its own, where whoever wrote waits at most so long until it can be found."""
    port = free_port("127.0.0.1", FIRST_PORT + 80)
    settings = both.portal.settings.model_copy(update={"port": port, "workers": workers})
    command, environment = _our_server(Portal(settings))
    given = Path(environment["KZOPEN_INI"])
    lines = [line for line in given.read_text(encoding="utf-8").splitlines() if not line.startswith("kzopen.search_wait")]
    lines.insert(lines.index("[app:main]") + 1, f"kzopen.search_wait = {seconds:g}")
    ini = given.with_name("waiting.ini")
    ini.write_text("\n".join(lines) + "\n", encoding="utf-8")
    side = replace(both.ours, url=f"http://127.0.0.1:{port}", ini=ini)
    with _running(side, (command, environment | {"KZOPEN_INI": str(ini)}), ini.with_suffix(".log")):
        yield side


def _our_server(portal: Portal) -> tuple[list[str], dict[str, str]]:
    web = processes.web(portal)
    return web.command, processes.environment_of(web)


def _stock_server(side: Side, workers: int) -> tuple[list[str], dict[str, str]]:
    """The same web server with as many workers and threads as ours has."""
    address = side.url.removeprefix("http://")
    shape = ["--workers", str(workers), "--worker-class", "gthread", "--threads", "4", "--timeout", "300"]
    command = [sys.executable, "-m", "gunicorn", "--bind", address, *shape, "bench._stock_wsgi:application"]
    return command, os.environ | {"BENCH_INI": str(side.ini), "PYTHONPATH": str(ROOT)}


@contextmanager
def _running(side: Side, server: tuple[list[str], dict[str, str]], log: Path) -> Iterator[None]:
    command, environment = server
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        _wait_until_it_answers(side, log)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_it_answers(side: Side, log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            if httpx.get(f"{side.url}/api/3/action/status_show", timeout=30).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > until:
            raise RuntimeError(f"{side.url} does not answer: {log.read_text()[-3000:]}")
        time.sleep(0.2)
