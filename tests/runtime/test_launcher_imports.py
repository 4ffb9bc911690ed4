"""The launcher stays small: each start loads it twice, and it stays in memory as long as the portal runs."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"ckan", "sqlalchemy", "alembic", "redis", "flask", "procrastinate"}


def test_the_launcher_loads_none_of_the_portal_s_libraries() -> None:
    asked = "import sys, ckanext.kzopen.runtime.serve; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert "ckanext.kzopen.runtime.serve" in done.stdout.split()
    assert HEAVY & set(done.stdout.split()) == set()
