"""What a restore refuses, and doctor and the record's commands say, when secrets and archive are not of one portal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.backup import archive, making
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import fingerprint, keys_of, write_private
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class Kept:
    """An archive and the file of secrets beside it."""

    archive: Path
    secrets: Path

    @property
    def keys(self) -> dict[str, Any]:
        return dict(json.loads(self.secrets.read_text())["secrets"])


def kept(folder: Path, *, marked: bool = True) -> Kept:
    """As a backup leaves them, with next to nothing in it; not `marked`: made before there were fingerprints."""
    folder.mkdir()
    portal, target = Portal(Settings(data=folder / "data")), folder / "kzopen.tar"
    portal.make_folders()
    keys = keys_of(portal)
    Ring(portal.data / making.RECORD, keys["record_password"]).keep(Ed25519PrivateKey.generate())
    (folder / "main.dump").write_bytes(b"no dump")
    told = archive.Manifest("1.0", "2026-03-05T03:00:00+00:00", True, secrets=fingerprint(keys) if marked else "")
    with archive.written(target, told) as writer:
        writer.add(archive.MAIN, folder / "main.dump")
        writer.add_folder(making.RECORD, portal.data / making.RECORD)
    write_private(making.secrets_of(target), {"secrets": keys, "accounts": {}})
    return Kept(target, making.secrets_of(target))


def restore(of: Kept, data: Path, *, secrets: Path | None = None) -> Result:
    words = ["--secrets", str(secrets)] if secrets else []
    return CliRunner().invoke(main, ["restore", str(of.archive), "--data", str(data), *words])


@pytest.mark.parametrize("marked", [True, False], ids=["new archive", "older archive"])
def test_the_secrets_of_another_portal_are_refused(tmp_path: Path, marked: bool) -> None:
    ours, theirs = kept(tmp_path / "ours", marked=marked), kept(tmp_path / "theirs")
    done = restore(ours, tmp_path / "new", secrets=theirs.secrets)
    assert done.exit_code == 1
    assert f"{theirs.secrets} holds the secrets of another portal or another day" in done.output
    assert not (tmp_path / "new").exists()


def test_another_password_of_other_people_s_tokens_is_refused(tmp_path: Path) -> None:
    """The record would open, but no token would hold: the fingerprint knows."""
    ours = kept(tmp_path / "ours")
    write_private(ours.secrets, {"secrets": ours.keys | {"jwt_key": "j" * 64}, "accounts": {}})
    assert "holds the secrets of another portal or another day" in restore(ours, tmp_path / "new").output


@pytest.mark.parametrize("secrets", [{}, None, {"record_password": "", "jwt_key": ""}])
def test_empty_secrets_are_refused(tmp_path: Path, secrets: Any) -> None:
    ours = kept(tmp_path / "ours", marked=False)
    write_private(ours.secrets, {"secrets": secrets, "accounts": {}})
    done = restore(ours, tmp_path / "new")
    assert f"{ours.secrets} lacks secret_key, jwt_key, csrf_key, metrics_token, record_password; give with" in done.output
    assert not (tmp_path / "new").exists()


def test_another_password_in_the_settings_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = kept(tmp_path / "ours")
    monkeypatch.setenv("KZOPEN_RECORD_PASSWORD", "another one")
    done = restore(ours, tmp_path / "new")
    assert "record_password of the settings does not open the record's key in the archive" in done.output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("marked", [True, False], ids=["new archive", "older archive"])
def test_its_own_secrets_are_taken(tmp_path: Path, marked: bool) -> None:
    """It goes on to the database, which is none here."""
    done = restore(kept(tmp_path / "ours", marked=marked), tmp_path / "new")
    assert "pg_restore failed" in done.output
