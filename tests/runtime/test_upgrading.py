"""The steps of an upgrade, and the way back from each of them.

A checkout of git with two releases, whose `kzopen` is a small stand-in with the same commands: it keeps a portal's state in
one file, which the second release changes, and each release tells what of it fails. The whole way of a real portal is in
`test_upgrade_of_a_portal.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.runtime.upgrading import note, steps
from ckanext.kzopen.runtime.upgrading.checkout import Checkout, NoCheckout
from ckanext.kzopen.runtime.upgrading.steps import BEFORE, Failed, NotBack, NotStarted, Plan, Upgrade, read_plan

from tests.conftest import free_port


def long(*given: Any) -> Any:
    """What is much like another case: `./kzopen test commands` tries it."""
    return pytest.param(*given, marks=pytest.mark.long)


STAND_IN = """#!/usr/bin/env python3
import json, os, shutil, signal, subprocess, sys
from pathlib import Path
root = Path(__file__).parent
release = json.loads((root / "release.json").read_text())
word, *given = sys.argv[1:]
options = dict(zip(given, given[1:]))
data = Path(options.get("--data", ""))
with (root.parent / "calls").open("a") as calls:
    calls.write(f"{release['name']} {word}\\n")
if word in release["fails"]:
    sys.exit(f"{word} does not work")
if word == "serve":
    (data / "state").write_text((data / "state").read_text() + release["migrates"])
    code = "import http.server as h, sys\\n" \\
           "class A(h.BaseHTTPRequestHandler):\\n" \\
           "    def do_GET(self): self.send_response(int(sys.argv[2])); self.end_headers()\\n" \\
           "    def log_message(self, *a): pass\\n" \\
           "h.HTTPServer(('127.0.0.1', int(sys.argv[1])), A).serve_forever()"
    child = subprocess.Popen([sys.executable, "-c", code, options["--port"], str(release["status"])],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    (data / "run").mkdir(exist_ok=True)
    (data / "run" / "status.json").write_text(json.dumps({"pid": child.pid}))
    import socket, time
    while socket.socket().connect_ex(("127.0.0.1", int(options["--port"]))):
        time.sleep(0.02)
elif word == "stop":
    status = data / "run" / "status.json"
    if status.exists():
        os.kill(json.loads(status.read_text())["pid"], signal.SIGKILL)
        status.unlink()
elif word == "doctor":
    print("  ! disk         full\\n      11 MB are left\\n      \\u2192 du " + data.name + release["name"])
    print("  ! tables  all\\n      an old finding\\n      \\u2192 a command")
    if "broken" in (data / "state").read_text():
        print("  ! files  all\\n      rows are lost\\n      \\u2192 a command")
    print("1 findings")
    sys.exit(1)
elif word == "publish":
    sys.exit("no such command")
elif word == "restore":
    data.mkdir()
    shutil.copy(given[0], data / "state")
"""


@dataclass
class Place:
    """A checkout at its first release with a portal, and what the stand-in was told to do."""

    root: Path
    plan: Plan
    said: list[str] = field(default_factory=list)

    @property
    def checkout(self) -> Checkout:
        return Checkout(self.root)

    @property
    def state(self) -> str:
        return (Path(self.plan.data) / "state").read_text()

    @property
    def calls(self) -> list[str]:
        return (self.root.parent / "calls").read_text().splitlines()

    def upgrade(self) -> Upgrade:
        return Upgrade(self.checkout, self.plan, self.backup, self.said.append)

    def backup(self) -> None:
        shutil.copy(Path(self.plan.data) / "state", self.plan.archive)

    def is_as_before(self) -> bool:
        libraries = (self.root / ".venv" / "library.py").read_text()
        return (self.state, self.checkout.name, libraries) == ("first", "main", "old") and not note.place(self.root).exists()


def release(root: Path, name: str, **told: Any) -> None:
    """Commit a release of the stand-in."""
    whole = {"name": name, "fails": [], "status": 200, "migrates": ""} | told
    (root / "release.json").write_text(json.dumps(whole))
    who = ["-c", "user.name=tests", "-c", "user.email=tests@example.org"]
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", *who, "commit", "-q", "-m", f"Release {name}"], cwd=root, check=True)
    subprocess.run(["git", "tag", name], cwd=root, check=True)


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A place whose second release is told by the test's parameter; nothing of it runs on after the test."""
    monkeypatch.delenv("KZOPEN_VENV", raising=False)
    monkeypatch.setattr(steps, "LOOKS_FOR", 0.5)
    root, data = tmp_path / "checkout", tmp_path / "data"
    root.mkdir()
    data.mkdir()
    (data / "state").write_text("first")
    (root / "kzopen").write_text(STAND_IN)
    (root / "kzopen").chmod(0o755)
    (root / ".gitignore").write_text(".venv*/\n.upgrade.json\n")
    (root / ".venv").mkdir()
    (root / ".venv" / "library.py").write_text("old")
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, check=True)
    release(root, "v1.0.0")
    subprocess.run(["git", "switch", "-q", "-c", "next"], cwd=root, check=True)
    release(root, "v1.10.0", **getattr(request, "param", {}))
    subprocess.run(["git", "switch", "-q", "main"], cwd=root, check=True)
    checkout, public, private = Checkout(root), free_port(), free_port()
    again = ["serve", "--detach", "--data", str(data), "--port", str(public)]
    subprocess.run([str(root / "kzopen"), *again], check=True)
    (tmp_path / "calls").unlink()
    address, new = f"http://127.0.0.1:{public}", checkout.resolve("v1.10.0")
    yield Place(root, Plan("main", new, str(data), str(tmp_path), str(tmp_path / "archive"), address, private, again))
    for status in tmp_path.glob("*/run/status.json"):
        with suppress(ProcessLookupError):
            os.kill(json.loads(status.read_text())["pid"], signal.SIGKILL)


@pytest.mark.parametrize("place", [{"migrates": " migrated"}], indirect=True)
def test_a_release_that_works_stays_and_the_portal_runs_as_it_did(place: Place) -> None:
    place.upgrade().run()
    assert place.checkout.commit == place.plan.new
    assert place.state == "first migrated migrated", "started apart, then for readers"
    assert Path(place.plan.archive).read_text() == "first"
    assert place.calls == ["v1.0.0 doctor", "v1.0.0 stop", *(f"v1.10.0 {word}" for word in AFTER)]
    assert not note.place(place.root).exists()
    assert not (place.root / f".venv{BEFORE}").exists()


AFTER = ("version", "serve", "doctor", "stop", "serve")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"fails": ["version"]}, "version does not work"),
        ({"fails": ["serve"], "migrates": " half"}, "serve does not work"),
        long({"status": 500, "migrates": " migrated"}, "/about answers 500"),
        ({"migrates": " broken"}, "rows are lost"),
        long({"fails": ["doctor"], "migrates": " migrated"}, "doctor does not work"),
        long({"fails": ["stop"], "migrates": " migrated"}, "stop does not work"),
    ],
    indirect=["place"],
)
def test_whatever_fails_the_portal_is_what_it_was_before_and_runs(place: Place, said: str) -> None:
    with pytest.raises(Failed, match=said):
        place.upgrade().run()
    assert place.is_as_before()
    assert (Path(place.plan.data) / "run" / "status.json").exists(), "it runs for readers again"
    touched = "version" not in said
    assert bool(list(Path(place.plan.data).parent.glob("data.failed-*"))) is touched


def test_a_backup_that_fails_changes_nothing(place: Place) -> None:
    def no_room() -> None:
        raise Failed("the disk is full")

    with pytest.raises(Failed, match="the disk is full"):
        Upgrade(place.checkout, place.plan, no_room, place.said.append).run()
    assert place.is_as_before()
    assert "version" not in " ".join(place.calls)


@pytest.mark.parametrize("place", [{"migrates": " migrated"}], indirect=True)
@pytest.mark.parametrize("step", ["_backup", *map(long, ("_keep_environment", "_serve_apart", "_look")), "_forget"])
def test_an_upgrade_that_was_killed_is_undone_from_its_note(place: Place, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade = place.upgrade()

    def killed(*_given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(upgrade, step, killed)
    with pytest.raises(KeyboardInterrupt):
        upgrade.run()
    plan = read_plan(place.root)
    assert plan is not None
    for dies in ("_bring_environment_back", "_restore", "_forget"):  # the way back may be killed, too
        back = Upgrade(place.checkout, plan, place.backup, place.said.append)
        monkeypatch.setattr(back, dies, killed)
        with suppress(KeyboardInterrupt):
            back.go_back()
    Upgrade(place.checkout, plan, place.backup, place.said.append).go_back()
    assert place.is_as_before()


@pytest.mark.parametrize("place", [{"migrates": " migrated"}], indirect=True)
def test_who_interrupts_an_upgrade_gets_the_old_release_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade = place.upgrade()
    monkeypatch.setattr(upgrade, "_look", lambda _known: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Failed, match="it was interrupted"):
        upgrade.run()
    assert place.is_as_before()


@pytest.mark.parametrize("place", [{"migrates": " migrated"}], indirect=True)
def test_once_readers_may_be_let_in_nothing_is_undone(place: Place) -> None:
    place.plan = replace(place.plan, again=["publish"])  # no such command: the start fails
    with pytest.raises(NotStarted):
        place.upgrade().run()
    assert (place.checkout.commit, place.state) == (place.plan.new, "first migrated")
    assert read_plan(place.root) is None


@pytest.mark.parametrize("place", [{"fails": ["doctor"]}], indirect=True)
def test_databases_elsewhere_are_left_to_their_operator_with_the_command(place: Place) -> None:
    place.plan = replace(place.plan, lies_here=False)
    with pytest.raises(NotBack, match=r"databases of your own.*\n*.*restore .*archive --data .* --takes-over"):
        place.upgrade().run()
    assert place.checkout.name == "main"
    assert read_plan(place.root), "it can be asked for again"


def test_libraries_are_kept_apart_from_what_an_installer_writes(place: Place) -> None:
    (place.root / ".venv" / "kzopen.stamp").write_text("old")
    upgrade = place.upgrade()
    upgrade._keep_environment()
    (place.root / ".venv" / "kzopen.stamp").write_text("new")  # in its place, as the launcher does
    (place.root / ".venv" / "fresh").write_text("new")
    (place.root / ".venv" / "fresh").replace(place.root / ".venv" / "library.py")  # as installers do
    upgrade._bring_environment_back()
    assert {file.read_text() for file in (place.root / ".venv").iterdir()} == {"old"}


def test_the_newest_release_is_the_one_with_the_highest_numbers(place: Place) -> None:
    subprocess.run(["git", "tag", "v1.9.0"], cwd=place.root, check=True)
    subprocess.run(["git", "tag", "vacation"], cwd=place.root, check=True)
    assert place.checkout.newest_release() == "v1.10.0"


def test_an_older_release_is_known_as_one(place: Place) -> None:
    assert not place.checkout.is_older(place.plan.new)
    place.checkout.switch("v1.10.0")
    assert place.checkout.is_older(place.checkout.resolve("v1.0.0"))


def test_what_git_cannot_do_is_said(place: Place, tmp_path: Path) -> None:
    with pytest.raises(NoCheckout, match="is no git checkout"):
        Checkout(tmp_path).fetch()
    with pytest.raises(NoCheckout, match="there is no tag, branch or commit v7"):
        place.checkout.resolve("v7")
    (place.root / "kzopen").write_text("changed here")
    assert place.checkout.changed() == ["M kzopen"]
