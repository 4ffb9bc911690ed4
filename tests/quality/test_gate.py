"""`.ci/run` on machines where packages cannot be installed says why, and runs no test."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("bash", "dirname", "tail", "env", "mktemp", "rm")
DEBIAN = "\nID=debian\n" in Path("/etc/os-release").read_text(encoding="utf-8")
CHROMIUM = "chromium-headless-shell" if DEBIAN else "chromium"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH without git and Chromium; `apt-get`, `id` and `sudo` are for each test to write."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    write(programs / "python3", "exit 0")
    write(programs / "id", "echo 0")
    for name in ("javac", "mvn"):  # asked for where ../shared brings an Elasticsearch
        write(programs / name, "exit 0")
    return programs


def write(path: Path, body: str) -> None:
    path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def gate(machine: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(machine), "LC_ALL": "C.UTF-8"}
    return subprocess.run(["bash", str(ROOT / ".ci/run")], env=environment, capture_output=True, text=True, timeout=60)


APT = [
    ("echo 'E: Could not get lock /var/lib/dpkg/lock-frontend'; exit 100", "Another program holds apt's lock"),
    ("echo 'Temporary failure resolving deb.debian.org'; exit 100", "The package sources could not be reached"),
    ("echo 'E: Unable to locate package chromium'; exit 100", "The package sources could not be reached"),
    ("echo 'E: Broken packages'; exit 100", f"apt-get could not install {CHROMIUM} git curl"),
]


@pytest.mark.parametrize(("body", "sentence"), APT, ids=[sentence for _body, sentence in APT])
def test_what_stops_apt_is_told_in_a_sentence(machine: Path, body: str, sentence: str) -> None:
    write(machine / "apt-get", body)
    done = gate(machine)
    assert done.returncode == 1
    assert sentence in done.stdout
    assert done.stdout.splitlines()[-1] == "failed: system packages"
    assert "=== ./kzopen test" not in done.stdout


def test_without_rights_the_command_for_an_administrator_is_told(machine: Path) -> None:
    write(machine / "id", "echo 1000")
    write(machine / "sudo", "exit 1")
    write(machine / "apt-get", "exit 0")
    done = gate(machine)
    assert done.returncode == 1
    assert f"No right to install packages; as an administrator: apt-get install {CHROMIUM} git curl" in done.stdout


def test_only_what_is_missing_is_installed(machine: Path, tmp_path: Path) -> None:
    for name in ("git", "curl", "mariadbd", "nginx", "systemd-analyze"):
        write(machine / name, "exit 0")
    write(machine / "apt-get", f'echo "$@" >> {tmp_path}/asked; [ "$3" = update ]')
    gate(machine)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.split("Timeout=120 ")[1] for line in asked] == ["update", f"install -y --no-install-recommends {CHROMIUM}"]
