"""A real portal upgraded to a release that works, and brought back from one that loses rows.

The releases are commits of a clone of this checkout with an environment of its own, whose libraries are those of this one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal

from tests.conftest import ROOT, free_port
from tests.publishing.conftest import passport

MIGRATION = '''"""A change of the database."""

from alembic import op

revision = "{name}"
down_revision = "{after}"


def upgrade() -> None:
    op.execute("{statement}")
'''
FOLDER = Path("ckanext-kzopen/ckanext/kzopen/migration/kzopen_rows/versions")
TABLE = "bin,name,pupils\n000140000017,№1 мектеп,512\n000140000025,№2 мектеп,480\n"


@dataclass
class Clone:
    """A checkout of its own and the portal that runs from it."""

    root: Path
    data: Path
    port: int

    def kzopen(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KZOPEN_")}
        command = [str(self.root / "kzopen"), *words, "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, timeout=900, env=environment)

    def release(self, tag: str, after: str, statement: str) -> None:
        """Commit a release with one more migration, and leave the checkout as it was."""
        name = f"9{tag[1:].replace('.', '')}_changed"
        self.git("switch", "--quiet", "--detach", "HEAD")
        (self.root / FOLDER / f"{name}.py").write_text(MIGRATION.format(name=name, after=after, statement=statement))
        self.git("add", "-A")
        self.git("-c", "user.name=tests", "-c", "user.email=tests@example.org", "commit", "--quiet", "-m", f"Release {tag}")
        self.git("tag", tag)
        self.git("switch", "--quiet", "main")

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def read(self, path: str) -> str:
        answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=60)
        answer.raise_for_status()
        return answer.text

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(socket_url("kzopen", "kzopen", Portal(Settings(data=self.data)).sockets)) as connection:
            return connection.execute(statement).fetchall()


def environment_of(root: Path) -> None:
    """The libraries of this environment in one of the clone's own; the launcher then installs the clone itself into it."""
    ours, theirs = Path(sys.prefix), root / ".venv"
    shutil.copytree(ours, theirs, symlinks=True, copy_function=lambda *pair: os.link(*pair, follow_symlinks=False))
    for script in (theirs / "bin").iterdir():
        if not script.is_symlink() and (text := script.read_bytes()).startswith(f"#!{ours}".encode()):
            script.unlink()
            script.write_bytes(text.replace(str(ours).encode(), str(theirs).encode()))
            script.chmod(0o755)
    (theirs / "kzopen.stamp").unlink()


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    root, data, port = tmp_path / "checkout", tmp_path / "data", free_port()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(root)], check=True)
    made = Clone(root, data, port)
    made.git("switch", "--quiet", "-C", "main")
    made.git("remote", "remove", "origin")
    environment_of(root)
    served = made.kzopen("serve", "--detach", "--no-demo", "--port", str(port))
    assert served.returncode == 0, served.stdout + served.stderr
    yield made
    made.kzopen("stop")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_portal_is_upgraded_and_brought_back_from_a_release_that_loses_rows(clone: Clone) -> None:
    token = {"Authorization": json.loads((clone.data / "accounts.json").read_text())["operator"]["token"]}
    with httpx.Client(base_url=f"http://127.0.0.1:{clone.port}", headers=token, timeout=60) as agency:
        agency.post("/api/3/action/organization_create", json={"name": "sender"}).raise_for_status()
        agency.put("/api/universal/v1/datasets/schools", json=passport("sender")).raise_for_status()
        sent = {"Content-Type": "text/csv", "Prefer": "wait=60"}
        agency.post("/api/universal/v1/datasets/schools/rows", content=TABLE.encode(), headers=sent).raise_for_status()
    last = sorted(path.stem for path in (clone.root / FOLDER).glob("0*.py"))[-1]
    clone.release("v9.1.0", last, "CREATE TABLE kzopen.of_the_new_release (id int)")
    clone.release("v9.2.0", last, "UPDATE kzopen.version SET sha256 = repeat('0', 64)")

    shown = clone.kzopen("upgrade", "v9.1.0")
    assert "Release v9.1.0" in shown.stdout
    assert "the database changes" in shown.stdout
    assert clone.git("branch", "--show-current") == "main", "nothing is changed without --commit"

    failed = clone.kzopen("upgrade", "v9.2.0", "--commit")
    assert failed.returncode == 1, failed.stdout
    assert "the doctor finds what was not there before" in failed.stderr + failed.stdout
    assert clone.git("branch", "--show-current") == "main"
    assert "№2 мектеп" in clone.read("/data/schools.csv")
    assert clone.rows("SELECT count(*) FROM kzopen.version WHERE sha256 = repeat('0', 64)") == [(0,)]
    assert clone.kzopen("doctor").returncode == 0

    done = clone.kzopen("upgrade", "v9.1.0", "--commit")
    assert done.returncode == 0, done.stdout + done.stderr
    assert clone.git("describe", "--tags") == "v9.1.0"
    assert "№2 мектеп" in clone.read("/data/schools.csv")
    assert clone.rows("SELECT count(*) FROM kzopen.of_the_new_release") == [(0,)]
    assert len(list((clone.data.parent / "backups").glob("*.tar"))) == 2
