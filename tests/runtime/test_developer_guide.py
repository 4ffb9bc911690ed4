"""Every command of docs/developer.md, in the order of the page, on a portal with demonstration content."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.conftest import ROOT, LivePortal

LIVE = re.compile(r"```bash live\n(.*?)```", re.DOTALL)
# curl as the guide shows it says nothing of an error's status; here it must.
STRICT = """
set -euo pipefail
curl() { command curl --fail-with-body --max-time 60 "$@" || { echo "failed: curl $*" >&2; return 1; }; }
"""


def test_the_commands_of_the_guide_work_one_after_the_other(live_portal: LivePortal, tmp_path: Path) -> None:
    blocks = LIVE.findall((ROOT / "docs/developer.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 8
    environment = os.environ | {"PORTAL": live_portal.url, "TOKEN": live_portal.accounts["operator"]["token"]}
    environment |= {"CLIENT": str(ROOT / "api_clients/python"), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", STRICT + "\n".join(blocks)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert (tmp_path / "demo-regions.csv").read_text(encoding="utf-8-sig").count("\n") > 5
    published = httpx.get(f"{live_portal.url}/api/universal/v1/datasets/wells-2026", timeout=30).json()
    assert published["version"]["rows"] == 2
