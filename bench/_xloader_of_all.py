"""ckanext-xloader 2.6 loads the tables of a stock portal into its DataStore, so that both sides of a harvest end with rows.

Harvested data sets are made with their resources at once, which xloader's own trigger overlooks: its guide's command
`ckan xloader submit all` brings them in. It is run with `--sync`, the faster way, without a queue, a web server and a
process for each job; its seconds begin when it has started and knows what there is.
"""

from __future__ import annotations

import os
import subprocess
import time

import psycopg
from ckanext.kzopen.runtime import datastore_rights
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal
from psycopg import sql

from bench._portals import Side

PLUGINS = "datastore xloader harvest ckan_harvester"
BEGINS = "Processing "


def load(ckan: list[str], portal: Portal, side: Side, rows: int) -> tuple[int, float]:
    """How many tables `ckan` loaded with so many rows each, and in how many seconds; OSError for one with other rows."""
    write, read = (socket_url(user, "stock_datastore", portal.sockets) for user in ("kzopen", "kzopen_reader"))
    datastore_rights.grant(side.database, write, read)
    ini = side.ini.with_name("tables.ini")
    told = {
        "ckan.plugins": PLUGINS,
        "ckan.datastore.write_url": write,
        "ckan.datastore.read_url": read,
        "ckanext.xloader.jobs_db.uri": side.database,
        "ckanext.xloader.api_token": side.token,
    }
    lines = [f"{name} = {value.replace('%', '%%')}" for name, value in told.items()]
    ini.write_text(f"[app:main]\nuse = config:{side.ini.name}\n" + "\n".join(lines) + "\n")
    seconds = _submit([*ckan, "-c", str(ini), "xloader", "submit", "all", "--sync"])
    return tables(side.database, write, rows), seconds


def _submit(command: list[str]) -> float:
    """Seconds of the command from its first word on what there is to its end; what it says goes into the error."""
    said: list[str] = []
    began: float | None = None
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said = [*said[-40:], line]
            if began is None and line.startswith(BEGINS):
                began = time.monotonic()
    ended = time.monotonic()
    if process.returncode or began is None:
        raise OSError("xloader: " + "".join(said)[-3000:])
    return ended - began


def tables(database: str, datastore: str, rows: int) -> int:
    """How many resources of the portal have a table with so many rows; OSError for one that has not."""
    with psycopg.connect(database) as main, psycopg.connect(datastore) as store:
        numbers = [number for (number,) in main.execute("SELECT id FROM resource WHERE state = 'active'")]
        for number in numbers:
            found = store.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(number))).fetchone()
            if found != (rows,):
                raise OSError(f"xloader: the table of {number} has {found} rows instead of {rows}")
    return len(numbers)
