"""Databases that somebody else brings: whether they can be used, told before anything is started.

What a portal needs of them: PostgreSQL 14 or later; a database that the user of `database_url` owns; another one that the
user of `datastore_url` owns; a third user who may only read; a Redis or Valkey that answers; an Elasticsearch 8; a bucket in
which objects can be written, read and deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
from ckanext.kzopen.core import files
from ckanext.kzopen.core.settings import Settings, SettingsProblem

OLDEST = 140000
SECONDS = 10


def problems(settings: Settings) -> list[SettingsProblem]:
    """What stops a start with the given addresses, in the order of the settings; nothing is asked of embedded parts."""
    found = []
    for name in ("database_url", "datastore_url", "datastore_read_url"):
        address: str = getattr(settings, name)
        if address:
            found += [SettingsProblem(name, sentence) for sentence in _database(address, owned=name != "datastore_read_url")]
    if settings.search_url.startswith("elasticsearch"):
        found += [SettingsProblem("search_url", sentence) for sentence in _elasticsearch(settings.search_url)]
    if settings.redis_url:
        found += [SettingsProblem("redis_url", sentence) for sentence in _redis(settings.redis_url)]
    if settings.files_url.startswith("s3://"):
        found += [SettingsProblem("files_url", sentence) for sentence in bucket(settings.files_url)]
    return found


def bucket(address: str) -> Iterator[str]:
    """What keeps files from being stored, read and deleted in a bucket: a small one goes there and back."""
    store, name = files.of(address), f"checks/{uuid4().hex}"
    try:
        with store.scratch("checks") as temporary:
            temporary.write_bytes(b"kzopen")
            store.keep(temporary, name)
        (store.workplace / name).unlink()
        if store.path(name).read_bytes() != b"kzopen":
            yield "the bucket gives back other bytes than it got"
        store.delete(name)
        if store.exists(name):
            yield "the bucket keeps what was deleted: the account needs the right to delete objects"
    except OSError as error:
        yield f"the bucket does not answer, or does not let us in: {_one_line(error)}"


def _database(address: str, *, owned: bool) -> Iterator[str]:
    try:
        with psycopg.connect(address, connect_timeout=SECONDS, autocommit=True) as connection:
            if connection.info.server_version < OLDEST:
                yield f"PostgreSQL {connection.info.server_version // 10000} is too old; 14 or later is needed."
            if owned:
                yield from _not_owner(connection)
    except psycopg.OperationalError as error:
        yield f"the database does not let us in: {_one_line(error)}"


def _not_owner(connection: psycopg.Connection) -> Iterator[str]:
    query = "SELECT current_user, datname, pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()"
    row = connection.execute(query).fetchone()
    if row and not row[2]:
        yield f"the user {row[0]} must own its database; as a superuser: ALTER DATABASE {row[1]} OWNER TO {row[0]};"


def _redis(address: str) -> Iterator[str]:
    import redis  # here, as below: the launcher of an embedded portal does not load the client

    try:
        with redis.Redis.from_url(address, socket_connect_timeout=SECONDS, socket_timeout=SECONDS) as client:
            client.ping()
    except (redis.exceptions.RedisError, ValueError) as error:
        yield f"Redis does not answer: {_one_line(error)}"


def _elasticsearch(address: str) -> Iterator[str]:
    # Imported here: a portal with the embedded index does not carry the client.
    from ckanext.kzopen.search.engines.elastic.check import problems

    yield from problems(address)


def _one_line(error: Exception) -> str:
    """What the library says, without line breaks; it repeats neither password nor address."""
    return " ".join(str(error).split())
