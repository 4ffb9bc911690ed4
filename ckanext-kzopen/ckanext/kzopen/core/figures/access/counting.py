"""Adding up access records by object and day, each file's position with the counts in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from ckanext.kzopen.core.figures.access import reading
from ckanext.kzopen.core.figures.access.classify import Access, classified, rules
from ckanext.kzopen.core.figures.access.record import CURRENT
from ckanext.kzopen.core.texts import ASTANA
from sqlalchemy import text
from sqlalchemy.orm import Session

SECONDS_OF_A_DAY = 86_400
QUIET = 300
"""Seconds after its last line before a file that was put aside counts as ended: a slow worker may still write to it."""

Key = tuple[str, str, str, bool]
"""Object, day, what, robot."""

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('kzopen.figures.access', 0))")
_POSITION = text("SELECT position FROM kzopen.access_file WHERE identity = :identity")
_MOVE = text(
    """
    INSERT INTO kzopen.access_file (identity, position) VALUES (:identity, :position)
    ON CONFLICT (identity) DO UPDATE SET position = excluded.position, read = now()
    """
)
_ADD = text(
    """
    INSERT INTO kzopen.access_count (object_id, day, what, robot, count)
    VALUES (:object_id, CAST(:day AS date), :what, :robot, :count)
    ON CONFLICT (object_id, day, what, robot) DO UPDATE SET count = access_count.count + excluded.count
    """
)
_OBJECTS = text(
    """
    SELECT name AS called, id FROM package WHERE name = ANY (CAST(:names AS text[]))
    UNION ALL SELECT id, id FROM package WHERE id = ANY (CAST(:names AS text[]))
    UNION ALL SELECT id, package_id FROM resource WHERE id = ANY (CAST(:names AS text[])) AND package_id IS NOT NULL
    """
)
_FORGET = text("DELETE FROM kzopen.access_file WHERE identity = :identity")


def count_new(session: Session, folder: Path) -> int:
    """Count every whole line that was not counted yet; how many there were. Commits after each part.

    Of several processes one counts at a time; the others find nothing to do.
    """
    done = 0
    for path in reading.files(folder):
        while (counted := _one_part(session, path)) is not None:
            done += counted
    return done


def _one_part(session: Session, path: Path) -> int | None:
    """Count the next part of a file and commit; None at its end, or while another process counts."""
    if not session.scalar(_LOCK):
        return None
    identity = reading.identity_of(path)
    position = session.scalar(_POSITION, {"identity": identity}) or 0
    found = reading.part(path, identity, position) if identity else None
    if found is None:
        session.rollback()
        return None
    add(session, _dated(found))
    session.execute(_MOVE, {"identity": found.identity, "position": found.position})
    session.commit()
    return len(found.lines)


def _dated(found: reading.Part) -> Iterable[tuple[str, Access]]:
    for record in found.lines:
        access = classified(record)
        if access is not None:
            yield day_of(str(record["at"])), access


def day_of(moment: str) -> str:
    """The day in Astana's zone on which a request was answered."""
    return datetime.fromisoformat(moment).astimezone(ASTANA).date().isoformat()


def add(session: Session, dated: Iterable[tuple[str, Access]]) -> None:
    """Add accesses to the counts; what names no data set of the portal is not counted."""
    rows = list(dated)
    names = sorted({access.name for _day, access in rows})
    known = {row.called: row.id for row in session.execute(_OBJECTS, {"names": names})} if names else {}
    counts: Counter[Key] = Counter()
    for day, access in rows:
        if access.name in known:
            counts[known[access.name], day, access.what, access.robot] += 1
    for (object_id, day, what, robot), count in sorted(counts.items()):
        values = {"object_id": object_id, "day": day, "what": what, "robot": robot, "count": count}
        session.execute(_ADD, values)


def look_after(session: Session, folder: Path, now: datetime | None = None) -> None:
    """Put the file of now aside each day or when it is large; delete files that are counted whole and past their keeping."""
    moment = now or datetime.now(UTC)
    current = folder / CURRENT
    if current.exists() and _is_due(current, moment):
        reading.put_aside(folder, moment.strftime("%Y%m%dT%H%M%S%f"))
    for path in reading.files(folder):
        if path != current and _is_past(session, path, moment):
            session.execute(_FORGET, {"identity": reading.identity_of(path)})
            session.commit()
            path.unlink()


def _is_due(current: Path, now: datetime) -> bool:
    with current.open("rb") as file:
        began = file.readline(1 << 20).decode("ascii", "replace")
    day = now.date().isoformat()
    return current.stat().st_size > reading.LARGEST or (began.endswith("\n") and f'"at": "{day}' not in began[:40])


def _is_past(session: Session, path: Path, now: datetime) -> bool:
    """Whether the file is counted whole, and its last line older than records are kept."""
    if now.timestamp() - path.stat().st_mtime <= max(QUIET, rules().keep_days * SECONDS_OF_A_DAY):
        return False
    identity = reading.identity_of(path)
    position = session.scalar(_POSITION, {"identity": identity}) or 0
    return identity is None or reading.part(path, identity, position) is None
