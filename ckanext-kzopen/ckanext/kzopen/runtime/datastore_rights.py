"""What `ckan datastore set-permissions` prints, run by ourselves: views and functions of the DataStore, rights of its reader.

CKAN asks for a superuser; the owners of the two databases are enough, so it works in a cluster of somebody else too.
"""

from __future__ import annotations

import psycopg
from ckanext.datastore.cli import permissions_sql
from psycopg import sql
from sqlalchemy.engine import make_url

# CKAN makes this type when it is first asked for rows: of two who ask a new portal at once, one got an error.
TYPE_OF_CKAN = """
    DO $$ BEGIN
        IF to_regtype('public.nested') IS NULL THEN CREATE TYPE public.nested AS (json json, extra text); END IF;
    END $$
"""
# Concerns the portal's own database, so it is run there.
OF_MAIN = "REVOKE CONNECT ON DATABASE"


def script(main_url: str, write_url: str, read_url: str) -> str:
    """The SQL for the datastore's database; the line about the portal's own database is left to `close_main`."""
    main, write, read = make_url(main_url), make_url(write_url), make_url(read_url)
    statements = permissions_sql(
        maindb=str(main.database),
        datastoredb=str(write.database),
        mainuser=str(main.username),
        writeuser=str(write.username),
        readuser=str(read.username),
    )
    return "\n".join(line for line in statements.splitlines() if not line.startswith(("\\connect", OF_MAIN)))


def grant(main_url: str, write_url: str, read_url: str) -> None:
    """Give the rights, all or none, each as the user of its address.

    Raises psycopg.errors.InsufficientPrivilege when the write user does not own its database.
    """
    with psycopg.connect(write_url) as connection:
        connection.execute(script(main_url, write_url, read_url).encode())
        connection.execute(TYPE_OF_CKAN)
    close_main(main_url, read_url)


def close_main(main_url: str, read_url: str) -> None:
    """The reader of tables has no business in the portal's own database, so its own right to enter there is taken."""
    reader = sql.Identifier(str(make_url(read_url).username))
    with psycopg.connect(main_url) as connection:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(database, reader))
