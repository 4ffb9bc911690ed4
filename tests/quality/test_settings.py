"""What stops a start before anything is started, each with a sentence that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.core.settings import Settings, problems
from pydantic import ValidationError

SECRET = "Kq3vT8yNw2rLx6zBf9hMj5pGs1dCa7eU"
OWN_DATABASES = {
    "database_url": "postgresql://a:b@db.example.kz/portal",
    "datastore_url": "postgresql://a:b@db.example.kz/store",
    "datastore_read_url": "postgresql://r:b@db.example.kz/store",
}


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a kzopen.toml nor variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"KZOPEN_{name.upper()}", raising=False)


def found(**options: Any) -> list[str]:
    return [str(problem) for problem in problems(Settings(**options))]


def test_the_defaults_start() -> None:
    assert found() == []


@pytest.mark.parametrize("key", ["short", "changeme", "a" * 64, "kzopen", "0123456" * 6])
def test_a_short_known_or_simple_secret_is_refused(key: str) -> None:
    (sentence,) = found(secret_key=key)
    assert sentence.startswith("secret_key: too short or too simple, 32 characters at least; make one with: python3 -c")


@pytest.mark.parametrize(
    "given",
    [
        OWN_DATABASES,
        {"redis_url": "redis://cache:6379/0"},
        {"files_url": "file:///srv/files"},
        {"search_url": "solr://s:8983/solr/c"},
    ],
    ids=["databases", "redis", "files", "search"],
)
def test_a_secret_must_be_given_as_soon_as_a_part_is_elsewhere(given: dict[str, str]) -> None:
    (sentence,) = found(**given)
    assert sentence.startswith("secret_key: is missing")
    assert found(**given, secret_key=SECRET) == []


def test_public_address_and_mail_need_no_secret() -> None:
    assert found(site_url="https://data.example.kz", smtp_url="smtp://mail.example.kz:25") == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "portal.example.kz"])  # noqa: S104
def test_debug_on_a_public_address_is_refused(host: str) -> None:
    assert found(debug=True, host=host) == [
        f"debug: is on while the portal is read at {host}; debug pages show code and secrets."
    ]


def test_debug_behind_a_proxy_is_refused() -> None:
    (sentence,) = found(debug=True, host="127.0.0.1", site_url="https://data.example.kz")
    assert sentence == "debug: is on while the portal is read at data.example.kz; debug pages show code and secrets."


def test_a_token_that_is_given_may_not_be_short_but_keys_of_what_is_kept_may() -> None:
    (sentence,) = found(metrics_token="short", record_password="short", people_key="short")
    assert sentence.startswith("metrics_token: too short or too simple")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.0.1"])
def test_debug_on_this_machine_is_allowed(host: str) -> None:
    assert found(debug=True, host=host) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"search_url": "https://es:9200"},
            "search_url: “https:…” is not understood; give elasticsearch://… or elasticsearch+https://… or solr://…",
        ),
        ({"files_url": "ftp://files"}, "files_url: “ftp:…” is not understood; give file://… or s3://…"),
        ({"files_url": "s3://bucket?colour=red"}, "files_url: s3: colour is not understood; known are cache, cache_mb"),
        ({"files_url": "s3:///folder"}, "files_url: s3: the bucket is missing"),
        ({"redis_url": "http://cache"}, "redis_url: “http:…” is not understood; give redis://… or rediss://… or unix://…"),
        ({"smtp_url": "mail.example.kz"}, "smtp_url: “mail.example.kz:…” is not understood; give smtp://… or smtps://…"),
    ],
)
def test_an_address_of_another_kind_is_refused(given: dict[str, str], sentence: str) -> None:
    assert found(**given, secret_key=SECRET)[0].startswith(sentence)


def test_databases_come_in_threes() -> None:
    only_one = found(database_url=OWN_DATABASES["database_url"], secret_key=SECRET)
    assert only_one == ["datastore_url: database_url and datastore_url go together: give two databases of your PostgreSQL."]
    no_reader = found(**{**OWN_DATABASES, "datastore_read_url": ""}, secret_key=SECRET)
    assert no_reader == ["datastore_read_url: give the datastore's address for a user who may only read."]


@pytest.mark.parametrize(
    "datastore",
    [
        OWN_DATABASES["database_url"],
        "postgresql://other:b@db.example.kz:5432/portal",
        "postgresql://a:b@DB.example.kz/portal?sslmode=require",
    ],
)
def test_one_database_for_both_is_refused(datastore: str) -> None:
    (sentence,) = found(**(OWN_DATABASES | {"datastore_url": datastore}), secret_key=SECRET)
    assert sentence.startswith("datastore_url: names the same database as database_url; give another one")


@pytest.mark.parametrize("query", ["?host=/run/second", "?host=/run/first&port=5433"])
def test_two_databases_of_one_name_start(query: str) -> None:
    sockets = {"database_url": "postgresql://a@/portal?host=/run/first", "datastore_url": f"postgresql://a@/portal{query}"}
    assert found(**(OWN_DATABASES | sockets), secret_key=SECRET) == []


def test_an_option_wins_over_a_variable_and_that_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kzopen.toml").write_text('port = 6001\nworkers = 3\nsite_title = "Портал"\n', encoding="utf-8")
    monkeypatch.setenv("KZOPEN_PORT", "6002")
    monkeypatch.setenv("KZOPEN_WORKERS", "4")
    settings = Settings(port=6003)
    assert (settings.port, settings.workers, settings.site_title) == (6003, 4, "Портал")


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kzopen.toml").write_text("prot = 6001\n")
    with pytest.raises(ValidationError, match="prot"):
        Settings()
