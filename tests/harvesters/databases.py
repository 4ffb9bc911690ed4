"""A PostgreSQL and a MariaDB of the tests' own that listen on this machine, with a table of schools in each."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import services
from ckanext.kzopen.runtime.portal import Portal

PATIENCE = 90
SCHOOLS = """
CREATE TABLE school (bin char(12) PRIMARY KEY, name varchar(200) NOT NULL, pupils int, rate numeric(6, 2), opened date,
                     changed timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO school (bin, name, pupils, rate, opened) VALUES
    ('000140000012', '№1 мектеп', 640, 1.10, '1999-09-01'), ('000140000092', 'Гимназия', 1210, 2.50, NULL);
"""
ROWS = [
    ["bin", "name", "pupils", "rate", "opened"],
    ["000140000012", "№1 мектеп", "640", "1.1", "1999-09-01"],
    ["000140000092", "Гимназия", "1210", "2.5", ""],
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: list[str], user: str | None, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd="/", **services.as_user(user))
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that servers with accounts of their own may pass through: pytest closes its own to others."""
    with tempfile.TemporaryDirectory(prefix="kzopen-databases-") as name:
        yield Path(name)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The embedded PostgreSQL with a port; yields an address of its user `agency`, who may also write."""
    portal = Portal(Settings(data=folder / "data", demo=False))
    portal.make_folders()
    services.init_postgres(portal)
    port = free_port()
    command = [*services.postgres_command(portal), "-c", "listen_addresses=127.0.0.1", "-p", str(port)]
    with started(command, services.service_user(), folder / "postgres.log"):
        address = f"host={portal.sockets} port={port} user=postgres dbname=postgres"
        with waited(lambda: psycopg.connect(address, autocommit=True)) as connection:
            connection.execute(SCHOOLS)
            connection.execute("CREATE ROLE agency LOGIN PASSWORD 'secret'; GRANT ALL ON school TO agency")
            connection.execute("CREATE FUNCTION emptied() RETURNS int LANGUAGE sql AS 'DELETE FROM school; SELECT 1'")
        hba = portal.postgres / "pg_hba.conf"
        hba.write_text("local all all trust\nhost all agency 127.0.0.1/32 scram-sha-256\n")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield f"postgresql://agency:secret@127.0.0.1:{port}/postgres"


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """Debian's MariaDB; yields an address of its user `agency`, who may do everything in the database `register`."""
    if shutil.which("mariadbd") is None:
        pytest.skip("mariadbd is absent: apt-get install mariadb-server")
    data = folder / "mariadb"
    data.mkdir()
    services.let_through(data)
    shutil.chown(data, "mysql", "mysql")
    made = ["mariadb-install-db", f"--datadir={data}", "--user=mysql", "--auth-root-authentication-method=normal"]
    subprocess.run([*made, "--skip-test-db"], check=True, capture_output=True)
    port = free_port()
    command = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--port={port}", f"--socket={data}/socket"]
    command += ["--bind-address=127.0.0.1", "--user=mysql", "--innodb-buffer-pool-size=32M", f"--pid-file={data}/pid"]
    with started(command, None, folder / "mariadb.log"):
        with waited(lambda: pymysql.connect(unix_socket=f"{data}/socket", user="root", charset="utf8mb4")) as root:
            with root.cursor() as cursor:
                cursor.execute("CREATE DATABASE register CHARACTER SET utf8mb4")
                cursor.execute("CREATE USER agency@'127.0.0.1' IDENTIFIED BY 'secret'")
                cursor.execute("GRANT ALL ON register.* TO agency@'127.0.0.1'")
                cursor.execute("USE register")
                for statement in SCHOOLS.split(";")[:-1]:
                    cursor.execute(statement)
                cursor.execute("CREATE FUNCTION emptied() RETURNS int BEGIN DELETE FROM school; RETURN 1; END")
            root.commit()
        yield f"mariadb://agency:secret@127.0.0.1:{port}/register"


def waited(connect: Callable[[], Any]) -> Any:
    """The connection, as soon as the server gives one."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return connect()
        except (psycopg.OperationalError, pymysql.err.OperationalError):
            assert time.monotonic() < until
            time.sleep(0.2)
