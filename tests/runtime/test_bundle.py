"""A bundle is unpacked and brought up where no network is: in a namespace of its own that has no way out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

ALONE = """
set -e
ip link set lo up
! curl --silent --max-time 5 https://pypi.org/ || {{ echo there is a network; exit 9; }}
cd {folder}
./kzopen serve --detach --no-demo --port 5055 --data {data}
curl --silent --fail http://127.0.0.1:5055/about > {data}/about.html
./kzopen doctor --data {data}
./kzopen stop --data {data}
"""


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_portal_comes_up_from_a_bundle_without_a_network(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KZOPEN_", "PIP_", "UV_"))}
    made = subprocess.run([str(ROOT / "kzopen"), "bundle", str(tmp_path / "b.tar")], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    subprocess.run(["tar", "-xf", "b.tar"], cwd=tmp_path, check=True)
    data = tmp_path / "data"
    data.mkdir()
    script = ALONE.format(folder=next(tmp_path.glob("kzopen-*/")), data=data)
    command = ["unshare", "--net", "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1000, env=clean)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout
    assert "</html>" in (data / "about.html").read_text()


def test_a_bundle_for_another_machine_says_so(tmp_path: Path) -> None:
    launcher = tmp_path / "kzopen"
    launcher.write_bytes((ROOT / "kzopen").read_bytes())
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "made-for").write_text("3.11 linux-sparc64\n")
    for name in ("requirements.txt", "requirements-dev.txt", "overrides.txt", "setup.py", "pyproject.toml"):
        (tmp_path / name).write_text("")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KZOPEN_")}
    done = subprocess.run(["python3", str(launcher), "version"], capture_output=True, text=True, env=clean)
    assert done.returncode == 1
    assert "this bundle is for linux-sparc64 and the machine is" in done.stderr
