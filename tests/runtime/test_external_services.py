"""A portal on somebody else's PostgreSQL, Valkey and bucket (S3): reached by TCP, with passwords, without a superuser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import services
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.processes import Process, embedded
from ckanext.kzopen.runtime.secrets import read_private
from ckanext.kzopen.runtime.status import process_rows, read_status
from ckanext.kzopen.runtime.supervisor import Supervisor
from click.testing import CliRunner

from tests import s3
from tests.conftest import ROOT, free_port

SECRET = "Kq3vT8yNw2rLx6zBf9hMj5pGs1dCa7eU"
WELLS = {
    "title": {"kk": "Ұңғымалар", "ru": "Скважины", "en": "Boreholes"},
    "description": {"kk": "Ұңғымалардың тереңдігі.", "ru": "Глубина скважин."},
    "owner": "bucket-agency",
    "category": "ecology",
    "periodicity": "YEARLY",
    "keywords": {"kk": ["су"], "ru": ["вода"]},
    "schema": {
        "fields": [{"name": "code", "type": "string"}, {"name": "depth", "type": "integer"}],
        "primaryKey": "code",
    },
}
LOCAL_ONLY = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Cluster:
    """Somebody else's services: where the superuser enters, and the ports."""

    sockets: Path
    postgres_port: int
    valkey_port: int

    def url(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{user}-word@127.0.0.1:{self.postgres_port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement as the superuser."""
        with psycopg.connect(
            host=str(self.sockets), port=self.postgres_port, user="postgres", dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def make_databases(self, prefix: str) -> dict[str, str]:
        """Three users and two databases, as docs/operator.md tells the administrator to make them; the settings for them."""
        for role in (f"{prefix}_main", f"{prefix}_write", f"{prefix}_read"):
            self.run(f"CREATE ROLE {role} LOGIN PASSWORD '{role}-word'")
        self.run(f"CREATE DATABASE {prefix}_ckan OWNER {prefix}_main TEMPLATE template0 ENCODING 'UTF8'")
        self.run(f"CREATE DATABASE {prefix}_store OWNER {prefix}_write TEMPLATE template0 ENCODING 'UTF8'")
        return {
            "KZOPEN_DATABASE_URL": self.url(f"{prefix}_main", f"{prefix}_ckan"),
            "KZOPEN_DATASTORE_URL": self.url(f"{prefix}_write", f"{prefix}_store"),
            "KZOPEN_DATASTORE_READ_URL": self.url(f"{prefix}_read", f"{prefix}_store"),
            "KZOPEN_REDIS_URL": f"redis://127.0.0.1:{self.valkey_port}/0",
            "KZOPEN_SECRET_KEY": SECRET,
        }


def kzopen(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the launcher with these settings in its environment, and no others."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KZOPEN_")}
    return subprocess.run(
        [str(ROOT / "kzopen"), *arguments],
        env=environment | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    )


def listening(process: Process, port: int) -> Process:
    """The same service, reachable by TCP on this machine."""
    by_tcp = {
        "postgres": ["-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"],
        "valkey": ["--port", str(port), "--bind", "127.0.0.1"],
    }
    return replace(process, command=[*process.command, *by_tcp[process.name]])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    portal = Portal(Settings(data=tmp_path_factory.mktemp("elsewhere")))
    portal.make_folders()
    services.init_postgres(portal)
    (portal.postgres / "pg_hba.conf").write_text(LOCAL_ONLY)
    made = Cluster(portal.sockets, free_port(), free_port())
    supervisor = Supervisor(portal)
    before = signal.getsignal(signal.SIGTERM)
    try:
        for process in embedded(portal):
            supervisor.start(listening(process, made.postgres_port if process.name == "postgres" else made.valkey_port))
        wait_until_it_answers(made, supervisor)
        yield made
    finally:
        supervisor.stop()
        signal.signal(signal.SIGTERM, before)


def wait_until_it_answers(cluster: Cluster, supervisor: Supervisor) -> None:
    def answers() -> bool:
        try:
            return cluster.run("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    supervisor.wait_for(Process("postgres", [], answers), 60)


@dataclass(frozen=True)
class Running:
    """A portal on the cluster: address, data directory, its operator's token, what it was set to, the server of its bucket."""

    url: str
    portal: Portal
    token: str
    settings: dict[str, str]
    endpoint: str

    def act(self, action: str, *, anonymous: bool = False, **body: Any) -> Any:
        headers = {} if anonymous else {"Authorization": self.token}
        answer = httpx.post(f"{self.url}/api/3/action/{action}", json=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


@pytest.fixture(scope="module")
def running(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data, port = tmp_path_factory.mktemp("portal"), free_port()
    with s3.running() as endpoint:
        bucket = f"{s3.new_bucket(endpoint)}&cache={data / 'copies'}"
        settings = cluster.make_databases("agency") | {"KZOPEN_FILES_URL": bucket}
        started = kzopen(settings, "serve", "--data", str(data), "--port", str(port), "--no-demo", "--detach")
        assert started.returncode == 0, started.stdout
        portal = Portal(Settings(data=data, port=port))
        token = read_private(portal.accounts)["operator"]["token"]
        try:
            yield Running(f"http://127.0.0.1:{port}", portal, token, settings, endpoint)
        finally:
            kzopen(settings, "stop", "--data", str(data))


def test_the_embedded_services_are_not_started(running: Running) -> None:
    names = {process["name"] for process in read_status(running.portal)["processes"]}
    assert names >= {"forkserver", "web", "indexer", "worker", "ckan-worker"}
    assert not names & {"postgres", "valkey"}
    assert not (running.portal.postgres / "PG_VERSION").exists()
    assert all(row.state == "running" for row in process_rows(running.portal))


def test_the_first_page_answers(running: Running) -> None:
    assert httpx.get(running.url, follow_redirects=True, timeout=30).status_code == 200


def test_a_table_is_stored_and_everyone_may_read_it(running: Running) -> None:
    running.act("organization_create", name="external-agency", title="External agency")
    made = running.act(
        "datastore_create",
        resource={"package_id": new_package(running), "name": "Wells"},
        fields=[{"id": "well", "type": "text"}, {"id": "depth", "type": "int"}],
        records=[{"well": "Көктем", "depth": 40}],
    )
    found = running.act("datastore_search", anonymous=True, resource_id=made["resource_id"])
    assert found["records"] == [{"_id": 1, "well": "Көктем", "depth": 40}]


def new_package(running: Running) -> str:
    title = {"kk": "Құдықтар", "ru": "Колодцы", "en": "Wells"}
    return str(
        running.act(
            "package_create",
            name="external-wells",
            type="dataset",
            title="Wells",
            title_translated=title,
            notes_translated=title,
            owner_org="external-agency",
        )["id"]
    )


@pytest.mark.long
def test_a_table_is_published_changed_and_read_from_the_bucket(running: Running, tmp_path: Path) -> None:
    running.act("organization_create", name="bucket-agency", title="Bucket agency")
    publish(running, tmp_path, "code,depth\n0071,40\n0072,55\n", "--passport", str(written(tmp_path, WELLS)))
    publish(running, tmp_path, "code,depth\n0072,60\n0073,25\n", "--mode", "upsert")
    kept = [one["Key"] for one in s3.client(running.endpoint).list_objects_v2(Bucket=bucket_of(running))["Contents"]]
    assert [name for name in kept if name.endswith(".parquet")]
    assert not list(running.portal.data.glob("files/**/*.parquet"))
    shutil.rmtree(running.portal.data / "copies")
    first, second, third = ({"code": code, "depth": depth} for code, depth in (("0071", 40), ("0072", 55), ("0073", 25)))
    assert read(running, "v1") == [first, second]
    assert read(running, "v2") == [first, second | {"depth": 60}, third]
    said = kzopen(running.settings, "doctor", "--data", str(running.portal.data))
    assert (said.returncode, "all is well" in said.stdout) == (0, True), said.stdout
    assert not re.search("^  . rows ", said.stdout, re.MULTILINE), "cells are compared only when it is asked for"


@pytest.mark.long
def test_a_restore_beside_an_empty_bucket_says_what_is_lacking(running: Running, cluster: Cluster, tmp_path: Path) -> None:
    """Without files there are no tables: nobody may read that the portal is as it was."""
    archive, data = tmp_path / "kzopen.tar", tmp_path / "restored"
    said = kzopen(running.settings, "backup", str(archive), "--data", str(running.portal.data))
    assert said.returncode == 0, said.stdout
    settings = cluster.make_databases("again") | {"KZOPEN_FILES_URL": s3.new_bucket(running.endpoint)}
    del settings["KZOPEN_REDIS_URL"]  # the embedded one beside a PostgreSQL of one's own
    said = kzopen(settings, "restore", str(archive), "--data", str(data), "--takes-over")
    assert (said.returncode, "the portal is as it was" in said.stdout) == (1, False), said.stdout
    # At night there may be a second table: the portal's own figures.
    assert re.match(
        r"Error: 0 of \d tables: the bucket of files_url lacks their files; copy them there before you start the portal, then "
        rf"\./kzopen doctor --data {re.escape(str(data))} names for each table the command that makes it",
        said.stdout.splitlines()[-1],
    )
    assert (data / "ckan.ini").exists()
    assert not (data / "restoring").exists()


def publish(running: Running, folder: Path, table: str, *options: str) -> None:
    """A table sent by command, as an administrator would."""
    file = folder / "boreholes.csv"
    file.write_text(table, encoding="utf-8")
    where = ["--dataset", "boreholes", "--url", running.url, "--token", running.token]
    said = kzopen(running.settings, "publish", str(file), *where, *options)
    assert said.returncode == 0, said.stdout


def written(folder: Path, passport: dict[str, Any]) -> Path:
    file = folder / "passport.json"
    file.write_text(json.dumps(passport), encoding="utf-8")
    return file


def bucket_of(running: Running) -> str:
    """The bucket's name in `s3://key:secret@NAME/folder?…`."""
    return running.settings["KZOPEN_FILES_URL"].split("@")[1].split("/")[0]


def read(running: Running, version: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{running.url}/data/boreholes/{version}.json", timeout=30)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()
    return rows


def test_the_reader_of_tables_may_write_nothing(running: Running, cluster: Cluster) -> None:
    with (
        psycopg.connect(cluster.url("agency_read", "agency_store")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE intruder ()")


def test_the_database_must_belong_to_its_user(cluster: Cluster, tmp_path: Path) -> None:
    settings = cluster.make_databases("tenant")
    cluster.run("ALTER DATABASE tenant_store OWNER TO postgres")
    said = kzopen(settings, "serve", "--data", str(tmp_path / "data"), "--port", str(free_port()), "--no-demo")
    assert said.returncode == 1
    assert "datastore_url: the user tenant_write must own its database" in said.stdout
    assert "ALTER DATABASE tenant_store OWNER TO tenant_write;" in said.stdout


REFUSED = [
    ({"KZOPEN_SECRET_KEY": ""}, "secret_key: is missing"),
    ({"KZOPEN_SECRET_KEY": "changeme"}, "secret_key: too short or too simple"),
    ({"KZOPEN_DATASTORE_READ_URL": ""}, "datastore_read_url: give the datastore's address for a user who may only read"),
    ({"KZOPEN_DATASTORE_URL": ""}, "datastore_url: database_url and datastore_url go together"),
    ({"KZOPEN_SEARCH_URL": "elasticsearch://127.0.0.1:1"}, "search_url: write it as elasticsearch://host:port/prefix"),
    ({"KZOPEN_SEARCH_URL": "elasticsearch://127.0.0.1:1/portal"}, "search_url: Elasticsearch does not answer"),
    ({"KZOPEN_FILES_URL": "s3://bucket?endpoint=http://127.0.0.1:1"}, "files_url: the bucket does not answer"),
    ({"KZOPEN_DEBUG": "true", "KZOPEN_HOST": "0.0.0.0"}, "debug: is on while the portal is read at 0.0.0.0"),  # noqa: S104
    ({"KZOPEN_REDIS_URL": "redis://127.0.0.1:1/0"}, "redis_url: Redis does not answer"),
]


@pytest.mark.parametrize(("changed", "sentence"), REFUSED)
def test_wrong_settings_are_refused_with_a_sentence(
    cluster: Cluster,
    running: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str],
    sentence: str,
) -> None:
    """The command in this process: to load the launcher's libraries takes longer than a refusal."""
    good = {
        "KZOPEN_DATABASE_URL": cluster.url("agency_main", "agency_ckan"),
        "KZOPEN_DATASTORE_URL": cluster.url("agency_write", "agency_store"),
        "KZOPEN_DATASTORE_READ_URL": cluster.url("agency_read", "agency_store"),
        "KZOPEN_REDIS_URL": f"redis://127.0.0.1:{cluster.valkey_port}/0",
        "KZOPEN_SECRET_KEY": SECRET,
    }
    for name in [name for name in os.environ if name.startswith("KZOPEN_")]:
        monkeypatch.delenv(name)
    for name, value in (good | changed).items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(main, ["serve", "--data", str(tmp_path / "data"), "--port", str(free_port()), "--no-demo"])
    assert said.exit_code == 1, said.output
    assert sentence in said.output
    assert not (tmp_path / "data" / "ckan.ini").exists()


def test_a_wrong_password_is_told_without_repeating_it(cluster: Cluster, running: Running, tmp_path: Path) -> None:
    settings = {
        "KZOPEN_DATABASE_URL": cluster.url("agency_main", "agency_ckan").replace("agency_main-word", "wrong-word"),
        "KZOPEN_DATASTORE_URL": cluster.url("agency_write", "agency_store"),
        "KZOPEN_DATASTORE_READ_URL": cluster.url("agency_read", "agency_store"),
        "KZOPEN_SECRET_KEY": SECRET,
    }
    said = kzopen(settings, "serve", "--data", str(tmp_path / "data"), "--port", str(free_port()), "--no-demo")
    assert said.returncode == 1
    assert "database_url: the database does not let us in" in said.stdout
    assert 'password authentication failed for user "agency_main"' in said.stdout
    assert "wrong-word" not in said.stdout
