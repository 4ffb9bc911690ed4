"""A full disk during a backup or a restore is named, with the place, whatever failed by it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.backup import making, postgres, restoring
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import NotReady

INITDB = b"""\
initdb: error: could not write to file "/srv/kzopen/postgres/pg_wal/0001": No space left on device
initdb: removing contents of data directory "/srv/kzopen/postgres"
"""
SERVER = 'could not extend file "base/16385/17000": No space left on device'
WANTED = "the disk is full (No space left on device): {}; make room there, or give another place"


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    made = Portal(Settings(data=tmp_path / "data"))
    made.make_folders()
    return made


def full() -> OSError:
    """What a write to a full disk raises: this device always is full."""
    with (
        pytest.raises(OSError, match="No space left on device") as caught,
        Path("/dev/full").open("wb", buffering=0) as device,
    ):
        device.write(b"kzopen")
    return caught.value


def test_a_restore_that_could_not_unpack_says_it(portal: Portal) -> None:
    assert restoring._words(portal, full()) == WANTED.format(portal.data)


@pytest.mark.parametrize(
    "error",
    [
        subprocess.CalledProcessError(1, ["initdb"], b"", INITDB),
        subprocess.CalledProcessError(1, ["python"], "", f"Traceback …\npsycopg.errors.DiskFull: {SERVER}\n[SQL: …]\na\nb\nc"),
        postgres.Refused(f"pg_restore failed: {SERVER}"),
        psycopg.errors.DiskFull(SERVER),
    ],
    ids=["initdb", "preparing", "pg_restore", "the database"],
)
def test_a_restore_whose_database_found_no_room_says_it(portal: Portal, error: BaseException) -> None:
    assert restoring._words(portal, error) == WANTED.format(portal.data)


def test_a_service_that_found_no_room_is_told_from_its_log(portal: Portal) -> None:
    (portal.logs / "valkey.log").write_text("Error writing to the AOF file: No space left on device\n" + "and so on\n" * 9)
    assert restoring._words(portal, NotReady("valkey")) == WANTED.format(portal.data)


def test_a_backup_that_found_no_room_says_it(portal: Portal, tmp_path: Path) -> None:
    target = tmp_path / "kzopen.tar"
    assert making._sentence(portal, target, full()) == WANTED.format(tmp_path)
    named = OSError(28, "No space left on device", "/srv/kzopen/files/a", None, "/backup/a")
    assert making._sentence(portal, target, named) == WANTED.format("/backup/a")


def test_the_full_disk_of_a_database_elsewhere_is_not_looked_for_here(tmp_path: Path) -> None:
    elsewhere = Portal(Settings(data=tmp_path, database_url="postgresql://a:b@db.example.kz/portal"))
    for said in (
        restoring._words(elsewhere, postgres.Refused(f"pg_restore failed: {SERVER}")),
        making._sentence(elsewhere, tmp_path / "kzopen.tar", psycopg.errors.DiskFull(SERVER)),
    ):
        assert said == WANTED.format("the database server")
