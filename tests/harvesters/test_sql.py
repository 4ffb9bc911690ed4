"""A query's rows as a table: the embedded PostgreSQL and Debian's MariaDB; the connection may only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web.errors import KzError
from kzopen_harvesters.sql import checked
from sqlalchemy import make_url

from tests.harvesters.databases import ROWS, mariadb, own_folder, postgresql
from tests.publishing.harvest.conftest import Harvest, counts

QUERY = "SELECT bin, name, pupils, rate, opened FROM school ORDER BY bin"


@pytest.fixture(scope="module")
def postgres_address() -> Iterator[str]:
    with own_folder() as folder, postgresql(folder) as address:
        yield address


@pytest.fixture(scope="module")
def mariadb_address() -> Iterator[str]:
    with own_folder() as folder, mariadb(folder) as address:
        yield address


def test_a_query_of_postgresql_is_a_table(harvest: Harvest, postgres_address: str) -> None:
    settings = {"address": postgres_address, "query": QUERY, "name": "schools", "title_ru": "Школы", "key_columns": ["bin"]}
    harvest.ready("sql", settings)
    run = harvest.run()
    assert counts(run)["added"] == 1
    assert harvest.rows(harvest.items(run)[0]) == ROWS
    assert counts(harvest.run())["unchanged"] == 1


def test_a_query_of_mariadb_is_a_table_that_is_read_again_only_when_it_changed(harvest: Harvest, mariadb_address: str) -> None:
    query = "SELECT bin, name, pupils, rate, opened, changed FROM school ORDER BY bin"
    settings = {"address": mariadb_address, "query": query, "name": "schools", "key_columns": ["bin"], "changed": "changed"}
    harvest.ready("sql", settings)
    run = harvest.run()
    assert [row[:5] for row in harvest.rows(harvest.items(run)[0])] == ROWS
    assert counts(harvest.run())["unchanged"] == 1
    url = make_url(mariadb_address)
    with pymysql.connect(host="127.0.0.1", port=url.port, user="agency", password="secret", database="register") as connection:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE school SET pupils = 700, changed = '2030-01-01' WHERE bin = '000140000012'")
        connection.commit()
    run = harvest.run()
    assert counts(run)["changed"] == 1
    assert harvest.rows(harvest.items(run)[0])[1][2] == "700"


def test_the_connection_cannot_write(harvest: Harvest, postgres_address: str, mariadb_address: str) -> None:
    for address in (postgres_address, mariadb_address):
        fresh = Harvest(harvest.app, harvest.agency)
        query = "WITH gone AS (DELETE FROM school RETURNING bin) SELECT * FROM gone"
        fresh.add("sql", {"address": address, "query": query, "name": "schools"})
        run = fresh.run("preview")
        assert counts(run)["failed"] == 1
        assert fresh.items(run)[0]["error"] == "harvest.odd_list"


@pytest.mark.parametrize("database", ["postgres", "mariadb"])
def test_a_wrong_password_is_told_without_it_and_not_tried_again(
    harvest: Harvest, request: pytest.FixtureRequest, database: str
) -> None:
    wrong = request.getfixturevalue(f"{database}_address").replace("secret", "guessed-password")
    harvest.add("sql", {"address": wrong, "query": QUERY, "name": "schools"})
    run = harvest.run("preview")
    item = harvest.items(run)[0]
    assert "guessed-password" not in str(item) + str(harvest.get(f"/sources/{harvest.name}").json)
    assert (item["error"], item["attempts"]) == ("harvest.not_let_in", 1)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("postgresql://u:p@169.254.169.254/x", "client.refused_address"),
        ("postgresql://u:p@10.0.0.7/x", "client.refused_address"),
        ("postgresql://u:p@/x?host=/var/run/postgresql", "client.bad_address"),
        ("postgresql:///x", "client.bad_address"),
        ("mysql://u:p@127.0.0.1/x?unix_socket=/run/mysqld/mysqld.sock", "client.bad_address"),
        ("sqlite:////etc/passwd", "client.bad_address"),
        ("oracle://u:p@example.org/x", "client.refused_scheme"),
        ("nonsense", "client.bad_address"),
    ],
)
def test_an_address_that_leads_inside_is_refused(app: CKANTestApp, address: str, code: str) -> None:
    with app.flask_app.test_request_context(), pytest.raises(KzError) as refused:
        checked(address)
    assert refused.value.code == code


def test_a_sqlite_file_is_read_from_the_operator_s_folder_only(
    app: CKANTestApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ckan_config: dict[str, str]
) -> None:
    inside, outside = tmp_path / "allowed" / "x.sqlite", tmp_path / "x.sqlite"
    inside.parent.mkdir()
    inside.touch()
    outside.touch()
    monkeypatch.setitem(ckan_config, "kzopen.harvest_files", str(inside.parent))
    with app.flask_app.test_request_context():
        assert checked(f"sqlite:///{inside}")[0].query["mode"] == "ro"
        for path in (outside, inside.parent / ".." / "x.sqlite"):
            with pytest.raises(KzError):
                checked(f"sqlite:///{path}")


def test_psycopg_is_the_driver(postgres_address: str) -> None:
    with psycopg.connect(postgres_address) as connection:
        assert connection.execute("SELECT count(*) FROM school").fetchone() == (2,)
