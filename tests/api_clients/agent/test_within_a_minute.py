"""A change in an agency's MariaDB is public within a minute: a whole portal, the file that it gives away, no hurried pause."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pymysql
import pytest
from sqlalchemy import make_url

from tests.api_clients.agent.conftest import FIELDS, until
from tests.api_clients.agent.test_agent import BARE, SYSTEM
from tests.conftest import NO_TLS, LivePortal
from tests.harvesters.databases import mariadb, own_folder
from tests.publishing.conftest import passport

MINUTE = 60
KEY, OTHER = "000140000012", "000140000092"
# No `every`: the schedule is the one that an agent has by itself.
SETTINGS = """\
portal = "{url}"
token = "{token}"
state = "{folder}/state"

[[table]]
dataset = "{uri}"
database = "{database}"
query = "SELECT bin, name, pupils FROM school"
key = ["bin"]
"""


@pytest.fixture
def database() -> Iterator[str]:
    with own_folder() as folder, mariadb(folder) as address:
        yield address


def change(address: str, statement: str) -> None:
    url = make_url(address)
    told = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "database": url.database}
    with pymysql.connect(**told, autocommit=True) as connection:
        connection.cursor().execute(statement)


def pupils(portal: LivePortal, uri: str) -> dict[str, int]:
    """What everybody reads by CKAN's API, and by the file of the table: pupils by key; nothing before the first version."""
    with httpx.Client(base_url=portal.url, verify=NO_TLS, follow_redirects=True) as anybody:
        file = anybody.get(f"/data/{uri}.json")
        if file.status_code == 404:
            return {}
        package = anybody.get("/api/3/action/package_show", params={"id": uri}).json()["result"]
        asked = {"resource_id": package["resources"][0]["id"]}
        rows: list[dict[str, Any]] = anybody.get("/api/3/action/datastore_search", params=asked).json()["result"]["records"]
    found, shown = ({row["bin"]: row["pupils"] for row in one} for one in (file.json(), rows))
    return found if found == shown else {}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_change_is_public_within_a_minute_by_the_schedule_of_an_agent_as_it_is(
    live_portal: LivePortal, database: str, tmp_path: Path
) -> None:
    uri, token = f"minute-{uuid4().hex[:10]}", live_portal.accounts["operator"]["token"]
    with httpx.Client(base_url=live_portal.url, headers={"Authorization": token}, verify=NO_TLS) as agency:
        made = agency.put(f"/api/universal/v1/datasets/{uri}", json=passport("demo-kolbulak", fields=FIELDS))
        assert made.status_code == 201, made.text
        program = tmp_path / "kzopen-agent.pyz"
        program.write_bytes(agency.get("/agent/kzopen-agent.pyz").content)
    given = {"url": live_portal.url, "token": token, "folder": tmp_path, "uri": uri, "database": database}
    (tmp_path / "agent.toml").write_text(SETTINGS.format(**given))
    command = [SYSTEM, str(program), "--config", str(tmp_path / "agent.toml"), "run"]
    agent = subprocess.Popen(command, env=BARE | {"PYTHONUNBUFFERED": "1"}, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert agent.stdout is not None
        assert "2 added" in agent.stdout.readline()
        until(lambda: pupils(live_portal, uri) == {KEY: 640, OTHER: 1210}, MINUTE)
        took = []
        for number in (700, 701):
            change(database, f"UPDATE school SET pupils = {number} WHERE bin = '{KEY}'")
            began = time.monotonic()
            assert "1 changed" in agent.stdout.readline()
            until(lambda now=number: pupils(live_portal, uri).get(KEY) == now, MINUTE)
            took.append(time.monotonic() - began)
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(20)
    print(f"public after {', '.join(f'{seconds:.1f}' for seconds in took)} s")
    # The second came right after a look, so the agent saw it as late as it can.
    assert max(took) < MINUTE
