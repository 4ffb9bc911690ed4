"""What Prometheus is told of the machine: the disk, the launcher's processes, the last backup."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.processes import Process
from ckanext.kzopen.runtime.supervisor import Supervisor

from tests.scraping import Told, scrape, told

BACKUP = ("kzopen_backup_last_success_timestamp_seconds",)


@pytest.fixture
def supervisor(app: CKANTestApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A launcher of a portal without processes yet, whose files the portal of the tests reads."""
    portal = Portal(Settings(data=tmp_path / "data"))
    portal.make_folders()
    monkeypatch.setitem(tk.config, "kzopen.status_path", str(portal.status))
    monkeypatch.setitem(tk.config, "kzopen.last_backup_path", str(portal.last_backup))
    made = Supervisor(portal)
    yield made
    made.stop()


def figures_of(app: CKANTestApp, name: str) -> Told:
    return {key[1:]: value for key, value in told(scrape(app)).items() if key[0] == name}


def look_after(supervisor: Supervisor, until: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not until():
        assert time.monotonic() < end, "waited in vain"
        supervisor.look_after()
        time.sleep(0.05)


def test_the_disk_is_the_one_of_the_data_directory(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("/", "/dev/shm"):  # noqa: S108 - another file system on every Linux
        monkeypatch.setitem(tk.config, "kzopen.data", folder)
        disk, found = os.statvfs(folder), told(scrape(app))
        assert found["kzopen_disk_size_bytes",] == disk.f_blocks * disk.f_frsize
        assert found["kzopen_disk_free_bytes",] == pytest.approx(disk.f_bavail * disk.f_frsize, abs=1 << 30)


def test_room_that_is_taken_is_not_free(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tk.config, "kzopen.data", "/dev/shm")  # noqa: S108
    before = told(scrape(app))["kzopen_disk_free_bytes",]
    with Path("/dev/shm").joinpath(f"kzopen-test-{os.getpid()}").open("wb") as file:  # noqa: S108
        os.unlink(file.name)
        os.posix_fallocate(file.fileno(), 0, 32 << 20)
        assert told(scrape(app))["kzopen_disk_free_bytes",] < before - (16 << 20)


def test_a_process_that_dies_is_down_until_it_is_started_again_and_its_restarts_count(
    app: CKANTestApp, supervisor: Supervisor
) -> None:
    sleeper = Process("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
    supervisor.start(sleeper)
    first = supervisor.states["sleeper"].pid
    assert figures_of(app, "kzopen_process_up") == {("sleeper",): 1}
    assert figures_of(app, "kzopen_process_restarts_total") == {("sleeper",): 0}
    os.kill(first, signal.SIGKILL)
    look_after(supervisor, lambda: "sleeper" in supervisor.again_at)
    assert figures_of(app, "kzopen_process_up") == {("sleeper",): 0}
    look_after(supervisor, lambda: supervisor.states["sleeper"].pid not in (0, first))
    assert figures_of(app, "kzopen_process_up") == {("sleeper",): 1}
    assert figures_of(app, "kzopen_process_restarts_total") == {("sleeper",): 1}


@pytest.mark.parametrize("code", [0, 1])
def test_a_process_that_had_one_thing_to_do_is_not_down_afterwards(
    app: CKANTestApp, supervisor: Supervisor, code: int
) -> None:
    supervisor.start(Process("once", [sys.executable, "-c", f"raise SystemExit({code})"], lasting=False))
    look_after(supervisor, lambda: supervisor.states["once"].state != "running")
    assert figures_of(app, "kzopen_process_up") == {}


def test_the_last_backup_is_told_when_there_is_one(app: CKANTestApp, supervisor: Supervisor) -> None:
    assert BACKUP not in told(scrape(app))
    supervisor.portal.last_backup.write_text(json.dumps({"began": "2026-03-05T02:00:00+00:00"}))
    assert told(scrape(app))[BACKUP] == 1772676000


@pytest.mark.parametrize("content", ["", '{"began": '])
def test_a_file_that_is_not_whole_hides_no_other_figure(app: CKANTestApp, supervisor: Supervisor, content: str) -> None:
    supervisor.portal.last_backup.write_text(content)
    assert figures_of(app, *BACKUP) == {}
    assert figures_of(app, "kzopen_disk_free_bytes")


def test_without_a_launcher_nothing_is_told_of_processes(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tk.config, "kzopen.status_path", "")
    assert figures_of(app, "kzopen_process_up") == {}
