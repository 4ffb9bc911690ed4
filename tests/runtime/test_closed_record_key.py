"""What an operator is told when the record's key cannot be opened, as with the secrets of another portal."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from ckanext.kzopen.core.record import keys
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.recorded import key_troubles
from click.testing import CliRunner
from sqlalchemy import URL
from sqlalchemy.orm import Session

from tests.core.conftest import engine
from tests.core.record.conftest import log, log_engine, record_database

__all__ = ["engine", "log", "log_engine", "record_database"]


@pytest.fixture
def portal(log: Session, record_database: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Portal:
    """A portal whose record has a key, which the password of its secrets does not open."""
    monkeypatch.setenv(
        "KZOPEN_DATABASE_URL", record_database.set(drivername="postgresql").render_as_string(hide_password=False)
    )
    made = Portal(Settings(data=tmp_path / "data"))
    made.make_folders()
    made.ini.touch()
    keys.ensure(log, Ring(made.data / "record", "the password of another portal"))
    log.commit()
    return made


def test_a_head_is_refused_in_a_sentence(portal: Portal) -> None:
    done = CliRunner().invoke(main, ["record", "head", "--data", str(portal.data)])
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    assert "cannot be opened with this password; nothing was signed. Restore the key's file and secrets.json" in done.output


def test_the_doctor_names_the_key_and_why(portal: Portal) -> None:
    with psycopg.connect(addresses(portal)["sqlalchemy.url"]) as connection:
        (said,) = key_troubles(portal, connection)
    assert said.startswith(f"the record's key cannot be used: {portal.data / 'record'}/key-")
    assert said.endswith(".pem cannot be opened with this password")
