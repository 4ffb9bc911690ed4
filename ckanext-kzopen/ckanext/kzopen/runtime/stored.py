"""What the doctor finds in a portal's databases: jobs, mails, files and tables; a sentence and a command for each finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from ckanext.kzopen.core.jobs import UNDONE
from ckanext.kzopen.core.mail.upkeep import IN_DOUBT
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal

FROM_A_BACKUP = "restore it from a backup: ./kzopen restore --help"


def count(connection: psycopg.Connection[Any], table: str) -> int:
    """Rows of one of our tables."""
    row = connection.execute(f"SELECT count(*) FROM kzopen.{table}").fetchone()  # noqa: S608 - names of our own tables
    return int(row[0]) if row else 0


STALLED = """
    SELECT id, task_name FROM kzopen.procrastinate_jobs
    WHERE status = 'doing' AND scheduled_at < now() - interval '1 hour'
"""
FAILED = f"SELECT task_name, count(*) FROM kzopen.procrastinate_jobs job WHERE {UNDONE} GROUP BY 1"  # noqa: S608 - a constant


def jobs(portal: Portal, connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """Jobs that have been running for over an hour, and tasks of which some failed for good."""
    for number, task in connection.execute(STALLED):
        yield f"job {number} ({task}) has been running for over an hour", portal.anew()
    for task, number in connection.execute(FAILED):
        yield f"{number} jobs {task} failed for good", f"tail -n 50 {portal.logs / 'worker.log'}"


MAILS = f"""
    SELECT count(*) FILTER (WHERE state = 'queued'), min(created) FILTER (WHERE state = 'queued'),
        count(*) FILTER (WHERE {IN_DOUBT}),
        (SELECT error FROM kzopen.mail WHERE state = 'queued' AND error IS NOT NULL ORDER BY changed DESC LIMIT 1)
    FROM kzopen.mail WHERE state IN ('queued', 'sending')
"""  # noqa: S608 - constants


def mail(portal: Portal, connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """Mails that wait for a server, and those of which nobody knows whether they were sent."""
    waiting, since, doubtful, words = connection.execute(MAILS).fetchone() or (0, None, 0, None)
    if waiting and not portal.settings.smtp_url:
        yield (
            f"{waiting} mails wait since {since:%Y-%m-%d %H:%M}: no mail server is set",
            f"set smtp_url in kzopen.toml; then {portal.anew()}",
        )
    elif words:
        yield f"{waiting} mails wait since {since:%Y-%m-%d %H:%M}, the last failed with: {words}", portal.order("mail list")
    if doubtful:
        mends = f"{portal.order('mail list')}; then {portal.order('mail resend --all --commit')}"
        yield f"{doubtful} mails may or may not have been sent", mends


FILES = """
    SELECT v.uri, f.number, f.path, f.sha256 FROM kzopen.version_file f
    JOIN kzopen.version v ON (v.package_id, v.number) = (f.package_id, f.number) WHERE v.withdrawn IS NULL ORDER BY f.id
"""


def files(portal: Portal, connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """Files of versions that are missing or not those of their checksum, and versions to which no files lead."""
    from ckanext.kzopen.rows import store, upkeep

    for uri, number, path, sha256 in connection.execute(FILES):
        if not store.verify(portal.files_url, path, sha256):
            yield f"version {number} of {uri}: its file {path} is missing or changed", FROM_A_BACKUP
    for sentence in upkeep.findings(connection):
        yield sentence, FROM_A_BACKUP


def tables(portal: Portal, connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """Tables of the DataStore with more or fewer rows than the newest version."""
    newest = """
        SELECT DISTINCT ON (package_id) uri, resource_id, rows FROM kzopen.version
        WHERE resource_id IS NOT NULL AND withdrawn IS NULL AND thinned IS NULL ORDER BY package_id, number DESC
    """
    with psycopg.connect(addresses(portal)["ckan.datastore.write_url"], autocommit=True, connect_timeout=5) as datastore:
        for uri, resource, rows in connection.execute(newest):
            found = _rows_in(datastore, resource)
            if found != rows:
                yield f"{uri}: DataStore has {found} rows, its version {rows}", reload(portal, uri)


def _rows_in(datastore: psycopg.Connection[Any], resource: str) -> int | None:
    query = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(resource))
    try:
        row = datastore.execute(query).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return int(row[0]) if row else 0


def reload(portal: Portal, sentence: str) -> str:
    """The command for the data set with which a finding begins; what cannot be read cannot be loaded either."""
    if sentence.endswith(("are missing", "do not give their SHA-256")):
        return FROM_A_BACKUP
    return portal.order(f"ckan kzopen-rows reload {sentence.partition(':')[0]}")
