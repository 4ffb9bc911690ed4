"""What all tests share: where the corpus lies, and a whole portal for those that need one."""

from __future__ import annotations

import inspect
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from ckan.tests.helpers import CKANTestApp, _get_test_app
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.testing.portals import do_not_wait_for_disk
from passlib.hash import pbkdf2_sha512

from tests.mortals import Forge, forge

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For who asks portals of this machine again and again: httpx would read the world's certificates for each question."""
STALLED_AFTER = 10
"""Seconds after which the shared portal gives up a body; a portal as it ships waits longer."""
DEMONSTRATION = 40
"""Data sets of the demonstration content."""
DEMONSTRATION_WITHIN = 300.0
STACK = inspect.stack
SHARED_PORTAL = {
    "KZOPEN_STALLED_AFTER": str(STALLED_AFTER),
    "KZOPEN_HARVEST_WAIT": "1",
    "KZOPEN_INTERNAL_NETWORKS": "127.0.0.0/8",  # sources of tests are servers on this machine
}


def pytest_configure() -> None:
    """Passwords of tests are hashed weakly: how strongly CKAN does it is not ours, and it took a tenth of the time.

    CKAN asks twenty times for all its callers while its plugins are loaded, each time with the lines of their source, which it
    does not look at: below pytest that took half of the loading.
    """
    pbkdf2_sha512.default_rounds = 100
    inspect.stack = _stack_without_lines


def _stack_without_lines(context: int = 0) -> list[inspect.FrameInfo]:
    return STACK(context)[1:]  # without this function


def examples(number: int) -> int:
    """How many random examples a property is tried on: so many, and as often as KZOPEN_EXAMPLES says."""
    return number * int(os.environ.get("KZOPEN_EXAMPLES", "1"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs an Elasticsearch is a suite of its own: `./kzopen test elasticsearch`."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        engine = callspec.params.get("engine") if callspec else None
        if "elasticsearch" in (engine, *getattr(item, "fixturenames", ())):
            item.add_marker("elasticsearch")


def free_port() -> int:
    """A port that nobody listens on, so that runs beside each other do not meet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class LivePortal:
    """A running portal: its address, data directory and accounts (name → password, token, role); how long its start took, and
    what `serve` said; nothing of one that ran already.
    """

    url: str
    data: Path
    accounts: dict[str, dict[str, str]]
    start_seconds: float = 0.0
    said: str = ""


def run_launcher(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """One command of the launcher, with what it printed; a failure fails the test with its words."""
    command, given = [str(ROOT / "kzopen"), *arguments], os.environ | (environment or {})
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=given)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def portal_at(data: Path, port: int, demo: bool, environment: Mapping[str, str] | None = None) -> Iterator[LivePortal]:
    """A whole portal started with the README's command in `data`, with these variables; stopped at the end of the block, by
    SIGTERM, which none of its processes may outlive.

    With `demo` it is as the command makes it by itself, and the block begins when its demonstration content is there.
    """
    url, asked = f"http://127.0.0.1:{port}", ["--data", str(data), "--port", str(port), "--detach"]
    began = time.monotonic()
    said = run_launcher("serve", *asked, *([] if demo else ["--no-demo"]), environment=environment)
    took = time.monotonic() - began
    try:
        do_not_wait_for_disk(Portal(Settings(data=data)))
        if demo:
            wait_for_demonstration(url, data)
        yield LivePortal(url, data, json.loads((data / "accounts.json").read_text()), took, said)
    finally:
        family = family_of(data)
        run_launcher("stop", "--data", str(data))
        assert_none_is_left(family)


def family_of(data: Path) -> list[psutil.Process]:
    """The launcher of the portal in a data directory, and all below it; nothing where none runs."""
    try:
        launcher = psutil.Process(json.loads((data / "run" / "status.json").read_text())["pid"])
        return [launcher, *launcher.children(recursive=True)]
    except (FileNotFoundError, psutil.NoSuchProcess):
        return []


def assert_none_is_left(family: list[psutil.Process]) -> None:
    """What PostgreSQL forked ends by itself a moment after its parent."""
    assert psutil.wait_procs(family, timeout=5)[1] == []


def wait_for_demonstration(url: str, data: Path) -> None:
    """Until what `serve` loads in the background is loaded, and search finds the forty data sets."""
    until = time.monotonic() + DEMONSTRATION_WITHIN
    while (found := demonstration_of(url, data)) != ("done", DEMONSTRATION):
        log = data / "logs" / "demo.log"
        assert found[0] != "failed" and time.monotonic() < until, f"{found}: {log.read_text()[-2000:]}"  # noqa: PT018 - one wait
        time.sleep(0.5)


def demonstration_of(url: str, data: Path) -> tuple[str, int]:
    """The state of the process `demo`, and how many data sets search finds."""
    processes = json.loads((data / "run" / "status.json").read_text())["processes"]
    state = next((row["state"] for row in processes if row["name"] == "demo"), "not begun")
    answer = httpx.get(f"{url}/api/3/action/package_search?rows=0", verify=NO_TLS, timeout=60)
    assert answer.status_code == 200, answer.text
    return state, answer.json()["result"]["count"]


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real material beside the checkout; tests that need it are skipped where it is absent."""
    folder = SHARED / "corpus"
    if not folder.is_dir():
        pytest.skip("../shared is absent: the corpus of real files is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def app() -> CKANTestApp:
    """The portal in this process; its worker and indexer are processes of their own. Made once a run: it takes a second."""
    return _get_test_app()


@pytest.fixture
def with_plugins(app: CKANTestApp) -> None:
    """The plugins of the portal. CKAN's fixture of this name unloads them afterwards, and with them those of `app`."""


@pytest.fixture(autouse=True)
def _a_browser_of_its_own(request: pytest.FixtureRequest) -> None:
    """No test finds the cookies of another."""
    if "app" in request.fixturenames:
        app = request.getfixturevalue("app")
        app.client = app.test_client()


@pytest.fixture(scope="session")
def mortals(app: CKANTestApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Where processes of this portal are born that are to die."""
    with forge(os.environ["KZOPEN_TEST_INI"], tmp_path_factory.mktemp("mortals") / "log") as made:
        yield made


@pytest.fixture(scope="session")
def live_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """A portal with demonstration content that all tests of a run share; KZOPEN_TEST_PORTAL names one that runs already."""
    port = int(os.environ.get("KZOPEN_TEST_PORT", free_port()))
    given = os.environ.get("KZOPEN_TEST_PORTAL")
    if given:
        accounts = json.loads((Path(given) / "accounts.json").read_text())
        yield LivePortal(f"http://127.0.0.1:{port}", Path(given), accounts)
        return
    with portal_at(tmp_path_factory.mktemp("portal") / "data", port, demo=True, environment=SHARED_PORTAL) as portal:
        yield portal
