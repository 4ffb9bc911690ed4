"""What all tests share: where the corpus lies, and a whole portal for those that need one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@dataclass(frozen=True)
class LivePortal:
    """A running portal: its address, its data directory and its accounts (name → password, token, role)."""

    url: str
    data: Path
    accounts: dict[str, dict[str, str]]


def _run(*arguments: str) -> None:
    """One command of the launcher; a failure fails the test with its words."""
    done = subprocess.run([str(ROOT / "kzopen"), *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real material beside the checkout; tests that need it are skipped where it is absent."""
    folder = SHARED / "corpus"
    if not folder.is_dir():
        pytest.skip("../shared is absent: the corpus of real files is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def live_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """A whole portal started with the README's command, with demonstration content; stopped at the end of the session."""
    given = os.environ.get("KZOPEN_TEST_PORTAL")
    data = Path(given) if given else tmp_path_factory.mktemp("portal")
    port = os.environ.get("KZOPEN_TEST_PORT", "5990")
    if not given:
        _run("serve", "--data", str(data), "--port", port, "--no-demo", "--detach")
        _run("demo", "load", "--data", str(data), "--url", f"http://127.0.0.1:{port}")
    try:
        yield LivePortal(f"http://127.0.0.1:{port}", data, json.loads((data / "accounts.json").read_text()))
    finally:
        if not given:
            _run("stop", "--data", str(data))
