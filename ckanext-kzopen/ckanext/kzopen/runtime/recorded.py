"""What the commands of the record and of the event log work on: a portal's database, keys and journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import keys_of

if TYPE_CHECKING:
    import psycopg
    from ckanext.kzopen.core.record.keys import Ring
    from ckanext.kzopen.core.record.verification import Verified
    from sqlalchemy.orm import Session

KEY_HELP = (
    "Restore the key's file and secrets.json from one backup, or set that portal's record_password; "
    "if they are lost: ./kzopen record rotate-key --lost"
)

data_option = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="The portal's data directory (default: ./var)."
)


def portal_of(data: Path | None) -> Portal:
    """The portal in a data directory; ends the command when there is none."""
    portal = Portal(Settings(data=data) if data else Settings())
    if not portal.ini.exists():
        raise click.ClickException(f"no portal in {portal.data} yet; ./kzopen serve makes it")
    return portal


def ring_of(portal: Portal) -> Ring:
    """The keys and the journal of a portal."""
    from ckanext.kzopen.core.record.keys import Ring
    from ckanext.kzopen.core.record.portal import FOLDER

    return Ring(portal.data / FOLDER, keys_of(portal)["record_password"])


def verified(portal: Portal) -> Verified:
    """The whole record of a portal, recomputed and compared with its journal."""
    import psycopg
    from ckanext.kzopen.core.record.verification import verify_all

    try:
        connection = psycopg.connect(addresses(portal)["sqlalchemy.url"], connect_timeout=5)
    except psycopg.OperationalError as error:
        raise no_database() from error
    with connection:
        return verify_all(connection, ring_of(portal).journal.statements())


def key_troubles(portal: Portal, connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Why nothing more can be recorded with the key in use: its file is missing, or the password is another one."""
    from ckanext.kzopen.core.record.keys import KeyMissing

    ring = ring_of(portal)
    for (key,) in connection.execute("SELECT id FROM kzopen.key WHERE until IS NULL"):
        try:
            ring.private(key)
        except KeyMissing as error:
            yield f"the record's key cannot be used: {error}"


@contextmanager
def session_of(data: Path | None) -> Iterator[tuple[Session, Ring]]:
    """A session on the portal's database, committed at the end of the block, and the portal's keys."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.orm import Session

    portal = portal_of(data)
    try:
        connection = create_engine(addresses(portal)["sqlalchemy.url"]).connect()
    except OperationalError as error:
        raise no_database() from error
    with connection, Session(connection, expire_on_commit=False) as session:
        yield session, ring_of(portal)
        session.commit()


def no_database() -> click.ClickException:
    return click.ClickException("the portal's database does not answer; ./kzopen serve starts it")
