"""ckanext-harvest 1.6 harvests the same catalogue into stock CKAN 2.12 on Solr: databases, Redis and environment of its own.

The environment borrows CKAN from ours. Its own two consumers do the work, as its guide sets them up, with its queue in Redis.
It notes an address for each table and loads no row; its seconds are by its own clock, from the first to the last data set.
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
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import processes, services
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import Supervisor

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
"""
"""Not its command: on CKAN 2.12 that makes the source and then fails when it is to show it."""
DONE = "SELECT count(*) FROM harvest_object WHERE import_finished IS NOT NULL"
RESULT = """
    SELECT extract(epoch FROM max(o.import_finished) - min(j.gather_started)),
           count(DISTINCT o.package_id) FILTER (WHERE o.state = 'COMPLETE'),
           (SELECT count(*) FROM package WHERE type = 'dataset' AND state = 'active')
    FROM harvest_object o JOIN harvest_job j ON j.id = o.harvest_job_id
"""


def rate(port: int, sets: int, say: Callable[[str], None]) -> float:
    """Data sets a second of a catalogue of so many, new to it. Raises OSError or SubprocessError where it cannot be run."""
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
        peer.run("-c", SOURCE, str(side.ini), f"http://127.0.0.1:{port}")
        for consumer in ("gather-consumer", "fetch-consumer"):
            stack.enter_context(peer.running(folder / f"{consumer}.log", "harvester", consumer))
        peer.ckan("harvester", "job", "many")
        peer.ckan("harvester", "run")
        return _rate(side.database, sets, folder, say)


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

    def run(self, *words: str) -> None:
        subprocess.run([str(self.python), *words], check=True, capture_output=True, timeout=600, cwd="/")

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


def _rate(database: str, sets: int, folder: Path, say: Callable[[str], None]) -> float:
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
    say(f"ckanext-harvest {VERSION}: {sets} new data sets, no table loaded: {float(seconds):.1f} s")
    return sets / float(seconds)


def _environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    python = folder / "bin" / "python"
    packages = (f"ckanext-harvest=={VERSION}", *BESIDE)
    subprocess.run(
        [str(python), "-m", "pip", "install", "-q", "--no-deps", *packages], check=True, capture_output=True, timeout=600
    )
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python
