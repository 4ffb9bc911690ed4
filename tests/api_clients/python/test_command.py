"""The command `kzopen-client`, as a process, and the wheel in which it comes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from uuid import uuid4

from tests.api_clients.python.conftest import SCHOOLS, passport
from tests.conftest import ROOT, LivePortal

SOURCE = ROOT / "api_clients/python"


def run(portal: LivePortal, token: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "KZOPEN_PORTAL": portal.url,
        "KZOPEN_TOKEN": token,
        "KZOPEN_LANGUAGE": "ru",
        "PYTHONPATH": str(SOURCE),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    command = [sys.executable, "-m", "kzopen_client.command", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_a_data_set_is_made_filled_and_read(live_portal: LivePortal, token: str, tmp_path: Path) -> None:
    uri = f"command-{uuid4().hex[:10]}"
    (tmp_path / "passport.json").write_text(json.dumps(passport()))
    (tmp_path / "schools.csv").write_bytes(SCHOOLS)
    (tmp_path / "wrong.csv").write_text("bin,name,pupils\n000140000012,A,-5\n")

    made = run(live_portal, token, tmp_path, "put", uri, "passport.json")
    sent = run(live_portal, token, tmp_path, "send", uri, "schools.csv")
    wrong = run(live_portal, token, tmp_path, "send", uri, "wrong.csv")
    versions = run(live_portal, token, tmp_path, "versions", uri)
    read = run(live_portal, token, tmp_path, "read", uri, "saved.parquet")

    assert (made.returncode, json.loads(made.stdout)["uri"]) == (0, uri)
    assert (sent.returncode, sent.stdout.splitlines()[1:3]) == (0, ["state: accepted (Опубликована)", "version: 1, 3 rows"])
    assert wrong.returncode == 1
    assert "row 2, pupils" in wrong.stderr
    assert versions.stdout.startswith("1\t3\t")
    assert read.returncode == 0
    assert (tmp_path / "saved.parquet").read_bytes()[:4] == b"PAR1"


def test_without_a_portal_it_says_what_is_missing(tmp_path: Path) -> None:
    nowhere = LivePortal("", tmp_path, {})

    told = run(nowhere, "", tmp_path, "delivery", "x")

    assert (told.returncode, told.stderr) == (2, "kzopen-client: name the portal by --portal or KZOPEN_PORTAL\n")


def test_the_wheel_has_the_package_the_types_and_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)

    (wheel,) = tmp_path.glob("kzopen_client-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert {"kzopen_client/portal.py", "kzopen_client/command.py", "kzopen_client/py.typed"} <= set(names)
    assert "kzopen-client = kzopen_client.command:main" in entry
