"""The second part of a run: what has changed, what is gone, and who works on the rest. A few statements, whatever the size."""

from __future__ import annotations

from uuid import UUID

from ckanext.kzopen.publishing.harvest.model import Held, Item, Run
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

BATCH = 50
_UNCHANGED = text(
    """
    UPDATE kzopen.harvest_item item SET outcome = 'unchanged', uri = held.uri, finished = now()
    FROM kzopen.harvest_held held JOIN package ON package.id = held.package_id AND package.state = 'active'
    WHERE item.run_id = :run AND item.outcome IS NULL AND NOT item.removal AND item.hash IS NOT NULL
      AND held.source_id = :source AND held.guid = item.guid AND held.gone IS NULL
      AND held.hash = item.hash AND held.fingerprint = :fingerprint
    """
)
_REMOVALS = text(
    """
    INSERT INTO kzopen.harvest_item (run_id, guid, position, removal, uri)
    SELECT :run, held.guid, :seen + row_number() OVER (ORDER BY held.uri), true, held.uri
    FROM kzopen.harvest_held held
    WHERE held.source_id = :source AND held.gone IS NULL
      AND NOT EXISTS (SELECT FROM kzopen.harvest_item item WHERE item.run_id = :run AND item.guid = held.guid)
    ON CONFLICT DO NOTHING
    """
)
# The first position of each batch but the first is looked up by halving: joining the items with themselves takes their square
# where PostgreSQL has not counted them yet.
_BATCHES = text(
    """
    UPDATE kzopen.harvest_item item SET batch = width_bucket(item.position, batches.firsts)
    FROM (
        SELECT coalesce(array_agg(position ORDER BY position) FILTER (WHERE place > 0), '{}') AS firsts
        FROM (
            SELECT position, row_number() OVER (ORDER BY position) - 1 AS place
            FROM kzopen.harvest_item WHERE run_id = :run AND outcome IS NULL AND NOT removal
        ) numbered
        WHERE place % :size = 0
    ) batches
    WHERE item.run_id = :run AND item.outcome IS NULL AND NOT item.removal
    """
)


def mark_unchanged(session: Session, run: Run) -> int:
    """Items whose hash the source gave and that is the one of what is published, made with the same settings; how many."""
    values = {"run": run.id, "source": run.source_id, "fingerprint": run.fingerprint}
    return _rows(session, _UNCHANGED, values)


def note_removals(session: Session, run: Run) -> int:
    """After a complete discovery: an item for each data set that the source no longer has; how many. They count as seen."""
    return _rows(session, _REMOVALS, {"run": run.id, "source": run.source_id, "seen": run.seen or 0})


def make_batches(session: Session, run: Run, size: int = BATCH) -> int:
    """Number the items that are to be fetched; how many batches."""
    items = _rows(session, _BATCHES, {"run": run.id, "size": size})
    return -(-items // size)


def held_now(session: Session, source: UUID) -> int:
    """How many data sets of the source are published."""
    wanted = select(func.count()).select_from(Held).where(Held.source_id == source, Held.gone.is_(None))
    return int(session.scalar(wanted) or 0)


def removals_left(session: Session, run: Run) -> list[Item]:
    """Removals of a run that are still to be done, in order."""
    wanted = select(Item).where(Item.run_id == run.id, Item.removal, Item.outcome.is_(None)).order_by(Item.position)
    return list(session.scalars(wanted))


def _rows(session: Session, statement: object, values: dict[str, object]) -> int:
    return int(session.execute(statement, values).rowcount)  # type: ignore[call-overload]
