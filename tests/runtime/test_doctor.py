"""What the doctor says of a portal that is in a bad way: a sentence and a command each, for this portal."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import psutil
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import doctor, serve
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import Supervisor
from click.testing import CliRunner

from tests.conftest import free_port


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    """One whose launcher is this process, and of which nothing else runs."""
    made = Portal(Settings(data=tmp_path / "data"))
    made.make_folders()
    Supervisor(made).write_status()
    return made


def test_a_database_that_does_not_answer_is_a_finding(portal: Portal) -> None:
    said: list[str] = []
    before = psutil.Process(os.getpid()).children()
    assert doctor.report(portal, said.append) == 1
    (sentence,) = [line for line in said if "the database does not answer, so what lies in it was not looked at" in line]
    start_again = f"./kzopen stop --data {portal.data} && ./kzopen serve --data {portal.data}"
    assert sentence.endswith(f"→ tail {portal.logs / 'postgres.log'}; then {start_again}")
    assert set(psutil.Process(os.getpid()).children()) <= set(before), "the check in CKAN's own process has ended, too"


def test_what_was_not_looked_at_is_not_called_well(portal: Portal) -> None:
    portal.status.unlink()
    said: list[str] = []
    assert doctor.report(portal, said.append) == 0
    assert said[-1] == "nothing was found; databases, index and files were not looked at, for the portal does not run"


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(serve, "serve", full)
    done = CliRunner().invoke(main, ["serve", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output == f"Error: The disk of {tmp_path} is full. What takes room: du -sh {tmp_path}/* | sort -h\n"


def test_a_data_directory_without_the_right_to_write_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"

    def refused(*_given: object, **_more: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(closed))

    monkeypatch.setattr(Portal, "make_folders", refused)
    done = CliRunner().invoke(main, ["serve", "--data", str(closed), "--no-demo", "--port", str(free_port())])
    assert done.exit_code == 1
    told = f"No right to write {closed}; give another directory with --data, or: sudo chown -R $USER {closed}"
    assert done.output == f"Error: {told}\n"
