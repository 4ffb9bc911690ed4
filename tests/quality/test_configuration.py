"""CKAN's ini: every value there, nothing of the settings lost, secrets readable by their owner only."""

from __future__ import annotations

import configparser
import stat
from pathlib import Path

import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import ini_text, write_ini
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import read_private


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Portal:
    monkeypatch.chdir(tmp_path)
    made = Portal(Settings(data=tmp_path / "data", port=5170))
    made.make_folders()
    return made


def options(text: str) -> dict[str, str]:
    """What CKAN reads: `%%` is one percent sign."""
    parsed = configparser.ConfigParser(interpolation=configparser.BasicInterpolation())
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string(text)
    return dict(parsed["app:main"])


OIDC = {"kzopen.oidc_issuer", "kzopen.oidc_client_id", "kzopen.oidc_client_secret", "kzopen.oidc_iin_claim"}
MAIL = {"kzopen.smtp_url", "kzopen.smtp_ca"}
MAY_BE_EMPTY = {"kzopen.search_url", "kzopen.internal_networks", "kzopen.harvest_files", *MAIL, *OIDC}


def test_no_option_is_without_a_value(portal: Portal) -> None:
    given = options(ini_text(portal))
    assert {key for key, value in given.items() if not value} <= MAY_BE_EMPTY
    assert "None" not in given.values()


def test_options_follow_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    portal = Portal(
        Settings(
            data=tmp_path / "data",
            site_url="https://data.example.kz/",
            languages=["ru", "kk"],
            smtp_url="smtps://sender:p%40ss@mail.example.kz",
        )
    )
    portal.make_folders()
    given = options(ini_text(portal))
    assert given["ckan.site_url"] == "https://data.example.kz"
    assert given["SESSION_COOKIE_SECURE"] == "true"
    assert given["ckan.locale_default"] == "ru"
    assert given["kzopen.smtp_url"] == "smtps://sender:p%40ss@mail.example.kz"
    assert given["kzopen.mail_from"] == "portal@data.example.kz"


def test_a_percent_sign_in_an_address_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    address = "postgresql://main:p%40ss@db.example.kz/portal"
    portal = Portal(Settings(data=tmp_path / "data", database_url=address))
    portal.make_folders()
    assert options(ini_text(portal))["sqlalchemy.url"] == address


def test_the_ini_and_the_keys_belong_to_their_owner_only(portal: Portal) -> None:
    path = write_ini(portal)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(portal.secrets.stat().st_mode) == 0o600


def test_keys_are_made_once_and_never_alike(portal: Portal) -> None:
    first = options(ini_text(portal))
    assert options(ini_text(portal))["SECRET_KEY"] == first["SECRET_KEY"]
    keys = read_private(portal.secrets)
    assert {"secret_key", "jwt_key", "csrf_key", "metrics_token"} <= set(keys)
    assert len(set(keys.values())) == len(keys)
    assert all(len(key) >= 64 for key in keys.values())


def test_a_long_data_directory_gets_a_short_socket_path(tmp_path: Path) -> None:
    portal = Portal(Settings(data=tmp_path / ("x" * 120)))
    assert len(f"{portal.sockets}/.s.PGSQL.5432") < 108
    assert portal.sockets != Portal(Settings(data=tmp_path / ("y" * 120))).sockets
