"""How long until the first page, and how much memory the idle portal takes.

A portal of its own in a temporary directory; no peer: CKAN has no command that brings a whole portal up.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.serve import free_port
from ckanext.kzopen.runtime.status import process_rows

from bench.figures import Figure, below, told

ROOT = Path(__file__).resolve().parents[1]
IDLE_SECONDS = 60


def run(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """All figures; `quick` leaves out the fresh clone and takes the memory after ten seconds instead of sixty."""
    say("state: packages installed, page cache warm, no warm-up request before a measured page")
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder:
        data = Path(folder) / "data"
        figures = [below("start.empty_directory", _first_page(ROOT, data), 30, "s")]
        figures.append(below("start.warm", _first_page(ROOT, data), 8, "s"))
        if quick:
            figures.append(told("start.idle_memory", _idle_memory(data, 10), "MB"))
            say("--quick: fresh clone and demo content left out; idle memory taken after 10 s instead of 60")
        else:
            figures.append(below("start.idle_memory", _idle_memory(data, IDLE_SECONDS), 900, "MB"))
            figures.append(below("start.demo_content", _demo_content(data), 120, "s"))
            figures.append(below("start.fresh_clone", _fresh_clone(Path(folder) / "clone"), 90, "s"))
    return figures


def _first_page(checkout: Path, data: Path, *options: str) -> float:
    """Seconds from the command to the whole home page, read once; the portal is stopped afterwards."""
    with portal(checkout, data, *(options or ("--no-demo",))) as (seconds, _):
        return seconds


@contextlib.contextmanager
def portal(checkout: Path, data: Path, *options: str) -> Iterator[tuple[float, str]]:
    """A running portal: seconds until its first page and its address."""
    port = free_port("127.0.0.1", 5800)
    address = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    command = [str(checkout / "kzopen"), "serve", "--data", str(data), "--port", str(port), "--detach", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    try:
        page = httpx.get(address, timeout=30, follow_redirects=True)
        page.raise_for_status()
        assert re.search(r"<html[^>]+lang=\"kk", page.text), "the first page is not the portal's home page in Kazakh"
        yield time.monotonic() - started, address
    finally:
        subprocess.run([str(checkout / "kzopen"), "stop", "--data", str(data)], check=True, capture_output=True, timeout=180)


@contextlib.contextmanager
def as_installed(folder: Path) -> Iterator[None]:
    """Hide pandas from processes that are started inside: pyarrow loads it where it is, and only tests bring it."""
    hidden = folder / "hidden"
    hidden.mkdir()
    (hidden / "pandas.py").write_text('raise ImportError("hidden: requirements.txt brings no pandas")\n')
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(hidden), *([before] if before else [])])
    try:
        yield
    finally:
        del os.environ["PYTHONPATH"]
        if before:
            os.environ["PYTHONPATH"] = before


def _idle_memory(data: Path, idle: int) -> float:
    """Sum of PSS of all processes, MB, `idle` seconds after the last request to a portal with two web workers."""
    with portal(ROOT, data, "--no-demo", "--workers", "2") as (_, address):
        for path in ("/", "/dataset/", "/organization/", "/api/3/action/package_search"):
            httpx.get(address + path, timeout=30, follow_redirects=True).raise_for_status()
        time.sleep(idle)
        return sum(row.memory_mb for row in process_rows(Portal(Settings(data=data))))


def _demo_content(data: Path) -> float:
    """Seconds that the demo content takes to load into an empty portal, by the public API."""
    with portal(ROOT, data, "--no-demo") as (_, address):
        started = time.monotonic()
        command = [str(ROOT / "kzopen"), "demo", "load", "--data", str(data), "--url", address]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        seconds = time.monotonic() - started
        count = httpx.get(f"{address}/api/3/action/package_search?rows=0", timeout=30).json()["result"]["count"]
        assert count >= 40, f"only {count} data sets were found after loading"
        return seconds


def _fresh_clone(folder: Path) -> float:
    """Seconds from `git clone` (not counted) to the first page: environment, packages from the cache, databases."""
    os.environ.pop("KZOPEN_VENV", None)  # an environment from elsewhere would not be fresh
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    try:
        return _first_page(folder, folder / "var", "--demo")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
