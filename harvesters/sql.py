"""A database: what a query gives is the table. PostgreSQL, MariaDB or MySQL, SQLite in a folder that the operator names."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import ckan.plugins.toolkit as tk
import psycopg
import pymysql
from ckanext.kzopen.core.web.addresses import checked_numbers, networks
from ckanext.kzopen.core.web.connections import system_resolver
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from pydantic import Field, SecretStr
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "sqlite": "sqlite"}
READ_ONLY = {
    "postgresql": ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET statement_timeout = '{seconds}s'"),
    "mysql": ("SET SESSION TRANSACTION READ ONLY",),
    "sqlite": ("PRAGMA query_only = ON",),
}
ACCESS_DENIED = (1044, 1045, 1698)
"""Numbers of MariaDB and MySQL."""
PASSING = (1040, 1053, 1205, 1213, 1317)
"""Numbers of theirs that pass: too many connections, shutting down, locks, an interrupted query."""
PIECE = 2000


class SqlSettings(Settings):
    """Where the database is, and which query gives the table."""

    address: Annotated[
        SecretStr,
        Say(
            "Дерекқор мекенжайы",
            "Адрес базы данных",
            "Address of the database",
            {
                "kk": "postgresql://пайдаланушы:құпиясөз@сервер/дерекқор немесе mariadb://…; оқуға ғана құқығы болсын.",
                "ru": "postgresql://пользователь:пароль@сервер/база или mariadb://… Пользователь только с правом чтения.",
                "en": "postgresql://user:password@server/database or mariadb://… A user who may only read.",
            },
        ),
    ]
    query: Annotated[
        str, Field(pattern=r"(?is)^\s*(select|with)\b"), Say("Сұрау (SELECT)", "Запрос (SELECT)", "Query (SELECT)")
    ]
    name: Annotated[str, Field(min_length=2), Say("Кестенің атауы", "Имя таблицы в адресе", "Name of the table in addresses")]
    title_kk: Annotated[str, Say("Атауы, қазақша", "Название по-казахски", "Title in Kazakh")] = ""
    title_ru: Annotated[str, Say("Атауы, орысша", "Название по-русски", "Title in Russian")] = ""
    key_columns: Annotated[list[str], Say("Кілт бағандар", "Ключевые столбцы", "Key columns")] = Field(default_factory=list)
    changed: Annotated[
        str,
        Say(
            "Өзгерген уақыт бағаны",
            "Столбец времени изменения",
            "Column of the time of change",
            {
                "kk": "Жолдар саны мен осы бағанның ең үлкен мәні өзгермесе, кесте қайта алынбайды.",
                "ru": "Пока число строк и наибольшее значение столбца прежние, таблица заново не читается.",
                "en": "While the number of rows and the largest value of this column stay, the table is not read again.",
            },
        ),
    ] = ""


class Sql(Harvester[SqlSettings]):
    """One query, one table; the transaction may only read."""

    name = "sql"
    label = {"kk": "Дерекқор (SQL)", "ru": "База данных (SQL)", "en": "Database (SQL)"}  # noqa: RUF012
    settings_model = SqlSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """The one table; its mark is how many rows there are and when the last one changed."""
        yield Page([Found(self.settings.name, self._mark() if self.settings.changed else None)], total=1)

    def _mark(self) -> str:
        with self._connection() as connection:
            column = connection.dialect.identifier_preparer.quote_identifier(self.settings.changed)
            counted = f"SELECT count(*), max(counted.{column}) FROM ({self._query}) counted"  # noqa: S608 - the agency's own query
            rows, last = connection.execute(text(counted)).one()
            return f"{rows}/{last}"

    def describe(self, item: Found) -> Described:
        """What the settings say."""
        title = {"kk": self.settings.title_kk, "ru": self.settings.title_ru}
        return Described(uri=item.guid, title=title, key=self.settings.key_columns)

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The rows as CSV, a few thousand in memory at a time."""
        with self._connection() as connection, into.open("w", encoding="utf-8", newline="") as file:
            streamed = connection.execution_options(stream_results=True, max_row_buffer=PIECE)
            result = streamed.execute(text(self._query))
            writer = csv.writer(file)
            writer.writerow(result.keys())
            while rows := result.fetchmany(PIECE):
                writer.writerows([_cell(value) for value in row] for row in rows)
                if file.tell() > self.reach.limits.received:
                    raise KzError("client.too_large", limit=self.reach.limits.received)
        return Fetched("text/csv", f"{item.guid}.csv")

    @property
    def _query(self) -> str:
        # A colon would mean a parameter to SQLAlchemy.
        return self.settings.query.strip().rstrip(";").replace(":", "\\:")

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection that may only read; what the database says is told without the password."""
        url, arguments = checked(self.settings.address.get_secret_value())
        seconds = int(self.reach.limits.total)
        if url.get_backend_name() == "mysql":  # its servers have no word for it in common
            arguments |= {"read_timeout": seconds, "write_timeout": seconds}
        engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
        try:
            with engine.connect() as connection:
                for order in READ_ONLY[url.get_backend_name()]:
                    connection.execute(text(order.format(seconds=seconds)))
                connection.commit()
                yield connection
        except OperationalError as error:
            if _refused(error.orig):
                raise KzError("harvest.not_let_in", host=url.host, status=url.get_backend_name()) from error
            if _answered(error.orig):
                raise _odd(error) from error
            raise KzError("client.unreachable", host=url.host or "sqlite") from error
        except SQLAlchemyError as error:
            raise _odd(error) from error
        finally:
            engine.dispose()


def checked(address: str) -> tuple[URL, dict[str, Any]]:
    """The address with the driver that we bring and a host whose number may be called; KzError for any other.

    Options behind `?` are refused: they could lead to sockets and files of this machine. The name is resolved once, and the
    checked number is connected to.
    """
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise KzError("client.bad_address", address="…") from error
    driver = DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise KzError("client.refused_scheme", scheme=url.get_backend_name())
    if driver == "sqlite":
        return _sqlite(url), {}
    if url.query or not url.host:
        raise KzError("client.bad_address", address=url.render_as_string(hide_password=True))
    return url.set(drivername=driver, host=_number(url)), {"connect_timeout": 5}


def _refused(error: Any) -> bool:
    """Whether the server was there and did not take the name or the password: to try again is of no use."""
    if isinstance(error, psycopg.Error):
        return bool(error.pgconn and error.pgconn.used_password)
    return bool(error.args) and error.args[0] in ACCESS_DENIED


def _answered(error: Any) -> bool:
    """Whether MariaDB or MySQL read the query and refused it: what is said by their client has numbers from 2000 on."""
    number = error.args[0] if isinstance(error, pymysql.Error) and error.args else 0
    return isinstance(number, int) and 1000 <= number < 2000 and number not in PASSING


def _odd(error: SQLAlchemyError) -> KzError:
    return KzError("harvest.odd_list", problem=str(getattr(error, "orig", error)).splitlines()[0][:200])


def _number(url: URL) -> str:
    host = str(url.host)
    try:
        found = system_resolver(host, url.port or 0)
    except (OSError, UnicodeError) as error:
        raise KzError("client.unreachable", host=host) from error
    return str(checked_numbers(host, found, networks(tk.config["kzopen.internal_networks"] or ""))[0])


def _sqlite(url: URL) -> URL:
    """A file in the folder that the operator has named, opened for reading only."""
    folder = str(tk.config.get("kzopen.harvest_files") or "")
    file = Path(url.database or "").resolve()
    if not folder or not file.is_relative_to(Path(folder).resolve()) or not file.is_file():
        raise KzError("client.bad_address", address=url.render_as_string(hide_password=True))
    return URL.create("sqlite", database=f"file:{file}", query={"mode": "ro", "uri": "true"})


def _cell(value: Any) -> Any:
    """A value as CSV of the publish path takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else value
