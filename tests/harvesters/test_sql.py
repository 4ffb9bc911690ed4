"""A query's rows as a table: the embedded PostgreSQL and Debian's MariaDB; the connection may only read."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pymysql
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web.client import Client, Limits
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import landing, visiting
from ckanext.kzopen.publishing.harvest.discovery import discover
from ckanext.kzopen.publishing.harvest.kinds import Found
from ckanext.kzopen.publishing.harvest.model import Item, Source
from ckanext.kzopen.publishing.harvest.reach import Reach
from kzopen_harvesters.sql import Sql, SqlSettings, checked
from sqlalchemy import create_engine, make_url, select, text

from tests.harvesters.databases import ROWS, SCHOOLS, mariadb, own_folder, postgresql
from tests.publishing.harvest.conftest import Harvest, begun, counts

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


@pytest.mark.parametrize("database", ["postgres", "mariadb"])
def test_the_connection_cannot_write_though_its_user_may(
    harvest: Harvest, request: pytest.FixtureRequest, database: str
) -> None:
    address = request.getfixturevalue(f"{database}_address")
    harvest.add("sql", {"address": address, "query": "SELECT emptied()", "name": "schools"})
    run = harvest.run("preview")
    assert (counts(run)["failed"], harvest.items(run)[0]["error"]) == (1, "harvest.odd_list")
    with create_engine(checked(address)[0]).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM school")).scalar() == 2


@pytest.mark.parametrize(
    ("database", "query"), [("postgres", "SELECT pg_sleep(600)"), ("mariadb", "SELECT SLEEP(600), 1 AS one")]
)
def test_a_query_that_takes_too_long_is_given_up(
    app: CKANTestApp, request: pytest.FixtureRequest, tmp_path: Path, database: str, query: str
) -> None:
    address = request.getfixturevalue(f"{database}_address")
    settings = SqlSettings(address=address, query=query, name="schools")
    began = time.monotonic()
    reached = Reach(Client(), Limits(total=1.0))
    with app.flask_app.test_request_context(), reached as reach, pytest.raises(KzError) as given_up:
        Sql(settings, reach).fetch(Found("schools"), tmp_path / "table")
    assert given_up.value.code == "client.unreachable", "so the harvest tries it again"
    assert time.monotonic() - began < 60, "the query would take 600 s"


def test_a_table_that_is_too_large_is_given_up(harvest: Harvest, mariadb_address: str) -> None:
    query = "SELECT REPEAT('x', 100000) AS long_text FROM school a, school b, school c, school d, school e"
    settings = {"address": mariadb_address, "query": query, "name": "schools"}
    harvest.add("sql", settings, defaults={"megabytes": 1})
    run = harvest.run("preview")
    assert [item["error"] for item in harvest.items(run)] == ["client.too_large"]


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


@dataclass
class Listener:
    """A port of one number of this machine that closes whatever comes; how many came.

    Each is counted before it is closed: whoever was closed finds itself counted.
    """

    socket: socket.socket
    came: int = 0

    def listen(self) -> None:
        with suppress(OSError):
            while True:
                caller, _address = self.socket.accept()
                self.came += 1
                caller.close()


@contextmanager
def listening(number: str, port: int = 0) -> Iterator[Listener]:
    with socket.create_server((number, port)) as opened:
        listener = Listener(opened)
        threading.Thread(target=listener.listen, daemon=True).start()
        yield listener
        opened.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb", "mysql"])
@pytest.mark.parametrize("way", ["fetch", "discover"])
def test_a_name_that_turns_inside_after_it_was_checked_gains_nothing(
    app: CKANTestApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, way: str
) -> None:
    """Rebinding: the first answer may be called, all later ones may not; what was checked is what is connected to."""
    monkeypatch.setitem(tk.config, "kzopen.internal_networks", "127.0.0.2/32")
    with listening("127.0.0.2") as allowed, listening("127.0.0.3", allowed.socket.getsockname()[1]) as forbidden:
        port = allowed.socket.getsockname()[1]
        answers = chain(["127.0.0.2"], repeat("127.0.0.3"))
        ask = socket.getaddrinfo

        def rebinding(host: Any, *given: Any, **more: Any) -> Any:
            return ask(next(answers) if host == "rebinding.example" else host, *given, **more)

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        address = f"{scheme}://agency:secret@rebinding.example:{port}/register"
        settings = SqlSettings(address=address, query="SELECT 1 AS a", name="rebound", changed="a")
        with app.flask_app.test_request_context(), Reach(Client()) as reach:
            source = Sql(settings, reach)
            with pytest.raises(KzError) as refused:
                source.fetch(Found("rebound"), tmp_path / "table") if way == "fetch" else list(source.discover(None))
            assert refused.value.code == "client.unreachable", "the listener speaks no protocol"
            with pytest.raises(KzError) as again:
                checked(address)
        assert again.value.code == "client.refused_address", "the name is asked anew by the next visit, and refused"
        assert (allowed.came > 0, forbidden.came) == (True, 0)


def test_a_name_with_an_inner_number_among_good_ones_is_refused(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, 0)) for number in ("8.8.8.8", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_given, **_more: found)
    with app.flask_app.test_request_context(), pytest.raises(KzError) as refused:
        checked("postgresql://u:p@example.org/x")
    assert refused.value.code == "client.refused_address"


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


@pytest.mark.parametrize(("database", "driver"), [("postgres", "psycopg"), ("mariadb", "pymysql")])
def test_the_drivers_are_those_that_the_portal_brings(
    app: CKANTestApp, request: pytest.FixtureRequest, database: str, driver: str
) -> None:
    """SQLAlchemy would take another one for an address that names none."""
    settings = SqlSettings(address=request.getfixturevalue(f"{database}_address"), query=QUERY, name="schools")
    with app.flask_app.test_request_context(), Reach(Client()) as reach, Sql(settings, reach)._connection() as connection:
        assert connection.dialect.driver == driver
        assert connection.execute(text("SELECT count(*) FROM school")).scalar() == 2


def test_a_query_of_sqlite_is_a_table_that_is_read_again_only_when_it_changed(
    app: CKANTestApp, harvest: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ckan_config: dict[str, str]
) -> None:
    """In this process: the worker's folder is another."""
    file = tmp_path / "register.sqlite"
    monkeypatch.setitem(ckan_config, "kzopen.harvest_files", str(tmp_path))
    with closing(sqlite3.connect(file)) as database:
        database.executescript(SCHOOLS)
    settings = {"address": f"sqlite:///{file}", "query": QUERY, "name": "schools", "key_columns": ["bin"]}
    harvest.add("sql", settings | {"changed": "pupils", "title_ru": "Школы"})
    first = harvested_here(app, harvest)
    assert (first.outcome, harvest.rows({"uri": first.uri})) == ("added", ROWS)
    mark = first.hash
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE school SET pupils = 1300 WHERE bin = '000140000092'")
    second = harvested_here(app, harvest)
    assert (second.outcome, harvest.rows({"uri": second.uri})[2][2]) == ("changed", "1300")
    assert (mark, second.hash) == ("2/1210", "2/1300")


def harvested_here(app: CKANTestApp, harvest: Harvest) -> Item:
    """The one item of the source, brought to its outcome by this process."""
    with begun(app, harvest) as run:
        session = model.Session()
        with visiting.visit(session, session.get_one(Source, run.source_id), run) as visit:
            discover(session, run, visit.harvester, 10)
            item = session.scalars(select(Item).where(Item.run_id == run.id)).one()
            run.state = "fetching"
            session.commit()
            landing.land(visit, item)
        session.refresh(item)
        session.expunge(item)
        return item
