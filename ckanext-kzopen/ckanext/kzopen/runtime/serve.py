"""`./kzopen serve`: from nothing to the first page, then look after the processes until told to stop."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from ckanext.kzopen.core.settings import problems
from ckanext.kzopen.runtime import external, prepare, processes, services
from ckanext.kzopen.runtime.accounts import ADMINISTRATOR
from ckanext.kzopen.runtime.archiving import place
from ckanext.kzopen.runtime.configuration import write_ini
from ckanext.kzopen.runtime.hosting.notifying import tell
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.progress import Progress
from ckanext.kzopen.runtime.secrets import read_private
from ckanext.kzopen.runtime.status import running_pid
from ckanext.kzopen.runtime.supervisor import NotReady, Supervisor
from ckanext.kzopen.runtime.upgrading import note

Say = Callable[[str], None]
ROUND = 0.2
UNFINISHED = "restoring"
"""Folder of the data directory that is there as long as a restore has not ended."""
DIRECTORY = "making the database server's directory"
SERVICES = "starting the database server and the cache"
PREPARING = "preparing the databases"
WEB = "starting the web server and the search index"


class CannotStart(Exception):
    """The portal cannot be started; the message says what to do."""


def free_port(host: str, port: int) -> int:
    """The first port from `port` on that nobody listens on."""
    for candidate in range(port, min(port + 200, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    raise CannotStart(f"No port from {port} to {port + 200} is free on {host}; give one with --port.")


def check_start(portal: Portal, apart: bool = False) -> None:
    """Raise CannotStart for wrong settings, a given service that does not let us in, a taken port, a portal that runs.

    Also while an upgrade of the checkout goes on, which starts the portal `apart` from its readers.
    """
    if not apart and note.is_there():
        raise CannotStart(note.HELPS)
    found = problems(portal.settings) or external.problems(portal.settings)
    if found:
        raise CannotStart("These settings stop the start:\n" + "\n".join(f"  {problem}" for problem in found))
    pid = running_pid(portal)
    if pid:
        raise CannotStart(
            f"This portal runs already (process {pid}); {portal.order('status')} shows it, {portal.order('stop')} ends it."
        )
    if (portal.data / UNFINISHED).exists():
        raise CannotStart(
            f"A restore into {portal.data} was not finished, and what was withdrawn might be read there. "
            f"Delete it and restore again: {again_after_a_restore(portal)}"
        )
    settings = portal.settings
    free = free_port(settings.host, settings.port)
    if free != settings.port:
        raise CannotStart(f"Port {settings.port} is taken. The next free one: {portal.order(f'serve --port {free}')}")


def again_after_a_restore(portal: Portal) -> str:
    """The command that deletes what an unfinished restore has left, and what it does not reach."""
    command, stays = f"./kzopen reset --data {portal.data} --commit", portal.elsewhere()
    return f"{command} (it does not delete what lies at {', '.join(stays)}: empty that yourself)" if stays else command


def bring_up(portal: Portal, supervisor: Supervisor, say: Say, only_services: bool = False, apart: bool = False) -> None:
    """Start everything in order, `apart` without background work; returns when the first page can be read.

    Raises CannotStart with the name of the log when a part does not come up.
    """
    portal.make_folders()
    try:
        place.claim(portal)
    except place.NoPlace as error:
        raise CannotStart(str(error)) from error
    write_ini(portal)
    progress = Progress(steps(portal, only_services), portal.data / "timings.json", say)
    try:
        _start_services(portal, supervisor, progress)
        if _lacks_preparation(portal):
            progress.begin(PREPARING)
            prepare.prepare(portal, lambda: supervisor.stopping)
        if only_services:
            progress.end()
            return
        progress.begin(WEB)
        for file in portal.metrics.glob("*.db"):
            file.unlink()
        supervisor.start(processes.forkserver(portal))
        supervisor.start(processes.indexer(portal))
        _start_web(portal, supervisor)
        for process in processes.background(portal) if not apart else ():
            supervisor.start(process)
        # A page that writes asks the index: until there is one, a portal is not up.
        supervisor.wait_for(processes.indexer(portal), 90)
        progress.end()
    except NotReady as error:
        raise CannotStart(f"{error} did not come up; its log: {portal.logs / f'{error}.log'}") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr if isinstance(error.stderr, str) else (error.stderr or b"").decode(errors="replace")
        (portal.logs / "prepare.log").write_text(said)
        last = said.strip().splitlines()[-1:] or ["no words"]
        raise CannotStart(f"Preparing failed: {last[0]}\nAll of it: {portal.logs / 'prepare.log'}") from error


def steps(portal: Portal, only_services: bool = False) -> dict[str, float]:
    """What a start has to do, in order, with a guess of the seconds that each step takes."""
    found: dict[str, float] = {}
    if _lacks_postgres(portal):
        found[DIRECTORY] = 0.5
    found[SERVICES] = 0.5
    if _lacks_preparation(portal):
        found[PREPARING] = 6.0
    return found if only_services else found | {WEB: 5.0}


def _lacks_preparation(portal: Portal) -> bool:
    return not (prepare.is_prepared(portal) and prepare.is_at_its_address(portal))


def _lacks_postgres(portal: Portal) -> bool:
    return not portal.settings.database_url and not (portal.postgres / "PG_VERSION").exists()


def _start_services(portal: Portal, supervisor: Supervisor, progress: Progress) -> None:
    if _lacks_postgres(portal):
        progress.begin(DIRECTORY)
    if not portal.settings.database_url:
        services.init_postgres(portal)
    progress.begin(SERVICES)
    start_services(portal, supervisor)


def start_services(portal: Portal, supervisor: Supervisor) -> None:
    """Start the services that no address was given for, with the portal's databases; raises NotReady."""
    parts = processes.embedded(portal)
    for process in parts:
        supervisor.start(process)
    for process in parts:
        supervisor.wait_for(process, 60)
    if not portal.settings.database_url:
        services.create_databases(portal)


def _start_web(portal: Portal, supervisor: Supervisor) -> None:
    supervisor.wait_for(processes.Process(processes.FORKSERVER, [], supervisor.births.ready), 90)
    web = processes.web(portal)
    supervisor.start(web)
    supervisor.wait_for(processes.Process(web.name, web.command, lambda: page_answers(portal)), 90)


def page_answers(portal: Portal) -> bool:
    """Whether the web server answers."""
    settings = portal.settings
    connection = http.client.HTTPConnection(settings.inner_host, settings.port, timeout=10)
    try:
        connection.request("GET", "/about")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def greeting(portal: Portal, seconds: float) -> str:
    """What is printed when the portal is up: the address and the accounts."""
    lines = [f"The portal is up after {seconds:.0f} s: {portal.settings.address}", ""]
    for name, account in read_private(portal.accounts).items():
        lines.append(f"  {account['role']:<14} {name:<22} {account['password']}")
    return "\n".join([*lines, "", f"(accounts are kept in {portal.accounts}; Ctrl-C ends everything)"])


def serve(portal: Portal, say: Say, apart: bool = False) -> None:
    """Run the portal until SIGINT or SIGTERM, `apart` as an upgrade looks at it; leaves no process behind.

    Raises CannotStart.
    """
    started = time.monotonic()
    check_start(portal, apart)
    supervisor = Supervisor(portal)

    def stop(number: int, frame: object) -> None:
        supervisor.stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        bring_up(portal, supervisor, say, apart=apart)
        if portal.settings.demo:
            _demo_accounts(portal)
        say(greeting(portal, time.monotonic() - started))
        tell("READY=1")
        if portal.settings.demo:
            supervisor.start(demo_loader(portal))
        while not supervisor.stopping:
            supervisor.look_after()
            time.sleep(ROUND)
        tell("STOPPING=1")
        say("stopping …")
    except CannotStart:
        if not supervisor.stopping:
            raise
    finally:
        supervisor.stop()


def _demo_accounts(portal: Portal) -> None:
    # Imported here: a portal without demonstration content does not carry the loader's libraries.
    from ckanext.kzopen.runtime.demo import load, staff

    known = read_private(portal.accounts)
    here, token = f"http://{portal.settings.inner_host}:{portal.settings.port}", known[ADMINISTRATOR]["token"]
    if not staff.STAFF.keys() <= known.keys() and load.is_empty(here, token):
        staff.ensure_accounts(portal, here, token)


def demo_loader(portal: Portal) -> processes.Process:
    """Loads the demonstration content into an empty portal, in the background."""
    command = [sys.executable, "-m", "ckanext.kzopen.runtime", "demo", "load", "--if-empty", "--data", str(portal.data)]
    return processes.Process("demo", [*command, "--url", portal.settings.address], lasting=False)


def detach(arguments: list[str], portal: Portal, say: Say, apart: bool = False) -> None:
    """Start `serve` in a session of its own and return when the first page can be read.

    Raises CannotStart when it ends before that.
    """
    check_start(portal, apart)
    portal.make_folders()
    log = portal.logs / "serve.log"
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "ckanext.kzopen.runtime", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ,
        )
    while b"The portal is up" not in log.read_bytes():
        if child.poll() is not None:
            raise CannotStart(log.read_text(errors="replace").strip())
        time.sleep(ROUND)
    say(log.read_text(errors="replace").strip())
