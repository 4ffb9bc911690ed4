"""The rows of a table: from PostgreSQL, MariaDB or MySQL, SQLite, or a CSV file; a few thousand in memory at a time."""

from __future__ import annotations

import csv
import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from kzopen_agent.settings import Table

Row = dict[str, Any]
PIECE = 2000
READ_ONLY = {"postgresql": "SET TRANSACTION READ ONLY", "mysql": "START TRANSACTION READ ONLY"}


class NoSource(Exception):
    """The database or the file cannot be read now; it is tried again at the next look."""


def rows(table: Table) -> Iterator[Row]:
    """The rows as JSON can hold them; raises NoSource."""
    yield from _file(table) if table.file else _database(table)


def _file(table: Table) -> Iterator[Row]:
    try:
        with Path(table.file).open(encoding=table.encoding, newline="") as file:
            for row in csv.DictReader(file, delimiter=table.delimiter):
                yield {name: value if value != "" else None for name, value in row.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise NoSource(f"{table.file}: {error}") from error


def _database(table: Table) -> Iterator[Row]:
    scheme = urlsplit(table.database).scheme
    module, connect = {
        "sqlite": ("sqlite3", _sqlite),
        "postgresql": ("psycopg", _postgresql),
        "mariadb": ("pymysql", _mariadb),
        "mysql": ("pymysql", _mariadb),
    }.get(scheme, ("", None))
    if connect is None:
        raise NoSource(f"database = {scheme}://…: postgresql, mariadb, mysql or sqlite")
    try:
        driver = importlib.import_module(module)
    except ImportError as error:
        raise NoSource(f"{scheme} needs the Python package {module}") from error
    try:
        with closing(connect(driver, table.database)) as connection:
            yield from _fetched(connection, scheme, table.query)
    except driver.Error as error:
        raise NoSource(f"{scheme}: {str(error).strip()}") from error


def _fetched(connection: Any, scheme: str, query: str) -> Iterator[Row]:
    """One statement sees one moment of the database."""
    order = READ_ONLY.get("mysql" if scheme == "mariadb" else scheme)
    if order:
        connection.cursor().execute(order)
    cursor = connection.cursor("kzopen_agent") if scheme == "postgresql" else connection.cursor()
    with closing(cursor):
        cursor.execute(query)
        names: list[str] = []
        while found := cursor.fetchmany(PIECE):
            names = names or [column[0] for column in cursor.description]
            for row in found:
                yield {name: plain(value) for name, value in zip(names, row, strict=True)}


def _sqlite(driver: Any, address: str) -> sqlite3.Connection:
    path = Path(unquote(address.removeprefix("sqlite://"))).resolve()
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def _postgresql(driver: Any, address: str) -> Any:
    return driver.connect(address, connect_timeout=10)


def _mariadb(driver: Any, address: str) -> Any:
    parts = urlsplit(address)
    cursors = importlib.import_module("pymysql.cursors")
    return driver.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/"),
        charset="utf8mb4",
        connect_timeout=10,
        read_timeout=300,
        cursorclass=cursors.SSCursor,
    )


def plain(value: Any) -> Any:
    """A value as the portal reads it: numbers with their digits, days in ISO form, bytes in hexadecimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent in (0,) else float_or_text(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value


def float_or_text(value: Decimal) -> str:
    """Fractions travel as text, so that 1.10 stays 1.10."""
    return format(value, "f")
