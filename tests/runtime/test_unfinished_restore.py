"""A data directory with half a restore: what serve, doctor and reset say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.serve import UNFINISHED, CannotStart, check_start
from click.testing import CliRunner

from tests.conftest import free_port


def half_restored(folder: Path, **settings: Any) -> Portal:
    portal = Portal(Settings(data=folder, port=free_port(), **settings))
    portal.make_folders()
    portal.ini.touch()
    (portal.data / UNFINISHED).mkdir()
    return portal


def test_the_doctor_names_it_and_what_to_do(tmp_path: Path) -> None:
    portal = half_restored(tmp_path)
    done = CliRunner().invoke(main, ["doctor", "--data", str(portal.data)])
    assert done.exit_code == 1
    assert f"a restore into {portal.data} was not finished" in done.output
    assert f"./kzopen reset --data {portal.data} --commit" in done.output
    assert "all is well" not in done.output


def test_serve_says_what_a_reset_does_not_delete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckanext.kzopen.runtime.external.problems", lambda _settings: [])
    where = {"files_url": f"file://{tmp_path / 'files'}", "secret_key": "Kq3vT8yNw2rLx6zBf9hMj5pGs1dCa7eU"}
    portal = half_restored(tmp_path / "data", **where)
    with pytest.raises(CannotStart, match="it does not delete what lies at files_url: empty that yourself"):
        check_start(portal)


def test_a_reset_says_what_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half_restored(tmp_path / "data")
    monkeypatch.setenv("KZOPEN_DATABASE_URL", "postgresql://a:b@db.example.kz/portal")
    monkeypatch.setenv("KZOPEN_FILES_URL", f"file://{tmp_path / 'data' / 'files'}")
    done = CliRunner().invoke(main, ["reset", "--data", str(tmp_path / "data")])
    assert "  stays: what lies at database_url\n" in done.output
