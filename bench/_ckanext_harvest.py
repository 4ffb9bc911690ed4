"""ckanext-harvest 1.6 harvests the same catalogue into stock CKAN 2.12 on Solr: databases, Redis and environment of its own.

The environment borrows CKAN from ours. Its own two consumers do the work, as its guide sets them up, with its queue in Redis.
It notes an address for each table and loads no row; its seconds are by its own clock, from the first to the last data set.
What our side gives besides, tables that can be read by rows, a stock portal has from xloader: it runs afterwards, and its
seconds are told apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import processes, services
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import Supervisor

from bench import _xloader, _xloader_of_all
from bench._portals import stock_ini
from tests import search_engines

VERSION = "1.6.3"
BESIDE = ("ckantoolkit==0.0.7",)
CKAN = "from ckan.cli.cli import ckan; ckan()"
GIVES_UP_AFTER = 3600
SOURCE = """
import sys
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app
app = make_app(CKANConfigLoader(sys.argv[1]).get_config())
with app._wsgi_app.test_request_context():
    import ckan.plugins.toolkit as tk
    site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    free = {"ignore_auth": True, "user": site}
    agency = tk.get_action("organization_create")(dict(free), {"name": "bench"})
    source = {"name": "many", "title": "many", "url": sys.argv[2], "source_type": "ckan", "owner_org": agency["id"]}
    tk.get_action("harvest_source_create")(dict(free), source)
    print("token", tk.get_action("api_token_create")(dict(free), {"name": "xloader", "user": site})["token"])
"""
"""Not its command: on CKAN 2.12 that makes the source and then fails when it is to show it."""
DONE = "SELECT count(*) FROM harvest_object WHERE import_finished IS NOT NULL"
RESULT = """
    SELECT extract(epoch FROM max(o.import_finished) - min(j.gather_started)),
           count(DISTINCT o.package_id) FILTER (WHERE o.state = 'COMPLETE'),
           (SELECT count(*) FROM package WHERE type = 'dataset' AND state = 'active')
    FROM harvest_object o JOIN harvest_job j ON j.id = o.harvest_job_id
"""


@dataclass(frozen=True)
class Rates:
    """Data sets a second: noted only, and with their tables loaded."""

    noted: float
    loaded: float


def rates(port: int, sets: int, rows: int, say: Callable[[str], None]) -> Rates:
    """Of a catalogue of so many data sets with a table of `rows` rows each, new to the peer.

    Raises OSError or SubprocessError where it cannot be run.
    """
    if reason := search_engines.lacks("solr"):
        raise OSError(reason)
    with TemporaryDirectory(prefix="kzopen-harvest-peer-") as name, ExitStack() as stack:
        folder = Path(name)
        python = _environment(folder / "environment")
        portal = Portal(Settings(data=folder / "data", demo=False, search_url=""))
        stack.enter_context(_services(portal))
        solr = stack.enter_context(search_engines.solr("ckan"))
        # Newer Redis clients give up a wait after seconds, and with it its consumers end; its queue is waited for.
        queue = f"unix://{portal.sockets}/valkey.sock?db=3&socket_timeout={GIVES_UP_AFTER}"
        told = {"ckan.plugins": "harvest ckan_harvester", "ckan.redis.url": queue, "ckan.views.default_views": ""}
        side = stock_ini(portal, solr, folder, told)
        peer = Peer(python, side.ini)
        peer.ckan("db", "init")
        peer.ckan("db", "upgrade", "-p", "harvest")
        token = peer.run("-c", SOURCE, str(side.ini), f"http://127.0.0.1:{port}").split()[-1]
        for consumer in ("gather-consumer", "fetch-consumer"):
            stack.enter_context(peer.running(folder / f"{consumer}.log", "harvester", consumer))
        peer.ckan("harvester", "job", "many")
        peer.ckan("harvester", "run")
        seconds = _seconds(side.database, sets, folder)
        say(f"ckanext-harvest {VERSION}: {sets} new data sets, no table loaded: {seconds:.1f} s")
        tables, loading = _xloader_of_all.load([str(python), "-c", CKAN], portal, replace(side, token=token), rows)
        if tables != sets:
            raise OSError(f"of {sets} tables {tables} were loaded")
        say(f"ckanext-xloader {_xloader.VERSION}: their {tables} tables: {loading:.1f} s more")
        return Rates(sets / seconds, sets / (seconds + loading))


@contextmanager
def _services(portal: Portal) -> Iterator[None]:
    """PostgreSQL and Valkey of its own, and nothing of ours on them."""
    supervisor = Supervisor(portal)
    portal.make_folders()
    services.init_postgres(portal)
    try:
        for process in processes.embedded(portal):
            supervisor.start(process)
            supervisor.wait_for(process, 60)
        services.create_databases(portal)
        yield
    finally:
        supervisor.stop()


class Peer:
    """The peer's interpreter and portal."""

    def __init__(self, python: Path, ini: Path) -> None:
        self.python, self.ini = python, ini

    def run(self, *words: str) -> str:
        command = [str(self.python), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=600, cwd="/").stdout

    def ckan(self, *words: str) -> None:
        self.run("-c", CKAN, "-c", str(self.ini), *words)

    @contextmanager
    def running(self, log: Path, *words: str) -> Iterator[None]:
        command = [str(self.python), "-c", CKAN, "-c", str(self.ini), *words]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd="/", env=os.environ.copy())
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def _seconds(database: str, sets: int, folder: Path) -> float:
    until = time.monotonic() + GIVES_UP_AFTER
    with psycopg.connect(database, autocommit=True) as connection:
        while (found := connection.execute(DONE).fetchone()) is None or found[0] < sets:
            if time.monotonic() > until:
                logs = {file.name: file.read_text()[-1500:] for file in folder.glob("*.log")}
                raise OSError(f"{found} of {sets} data sets after {GIVES_UP_AFTER} s: {json.dumps(logs)}")
            time.sleep(1)
        seconds, complete, packages = connection.execute(RESULT).fetchone() or (0, 0, 0)
        if not complete == packages == sets:
            errors = connection.execute("SELECT DISTINCT message FROM harvest_object_error LIMIT 3").fetchall()
            raise OSError(f"of {sets} data sets {complete} were harvested, {packages} are there: {errors}")
    return float(seconds)


def _environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "-q"]
    packages = (f"ckanext-harvest=={VERSION}", *BESIDE, *_xloader.PINNED)
    for wanted in (["--no-deps", *packages], [*_xloader.BESIDE]):
        subprocess.run([*pip, *wanted], check=True, capture_output=True, timeout=600)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    ours = sysconfig.get_path("purelib")
    (own / "borrowed.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    return python
