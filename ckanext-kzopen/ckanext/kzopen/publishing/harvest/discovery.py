"""The first part of a run: the list of what the source has, page after page.

Each page's items and the place where to go on are one commit, so a run that died goes on behind the last page and no item
comes twice; where the source cannot be asked for that place, it reads what it has read before once more. A source that loops,
never ends or tells another number than it gives is found out here, and one of which nothing can be read. So is one that
changed while it was read: a page may then have begun behind something that no page had, which must not be taken for gone;
neither must what was in a part that could not be read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import failing, parts
from ckanext.kzopen.publishing.harvest.describing import cleaned
from ckanext.kzopen.publishing.harvest.kinds import AnyHarvester, Found
from ckanext.kzopen.publishing.harvest.model import PART_UNREAD, Item, Run
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

PAGES_WITHOUT_NEWS = 3
LONGEST_GUID = 500


def discover(session: Session, run: Run, harvester: AnyHarvester, most: int, first: int | None = None) -> None:
    """Store what the source has; commits after each page. `first` is how many are wanted (a preview), else all.

    Sets `run.complete` when all were seen. Raises KzError harvest.loops, harvest.too_many_items, what the kind
    raises, and the first part's error when nothing of the list could be read.
    """
    silent, moved, run.seen = 0, False, run.seen or 0
    if run.seen and run.cursor is None:
        run.seen -= _forget_unread(session, run)
    most_told = run.told or 0  # the largest total of all pages
    read: set[str] = set()  # in this reading: what an earlier one stored is no sign of a loop
    for page in harvester.discover(run.cursor):
        guids = {item.guid for item in page.items}
        silent = silent + 1 if guids <= read else 0
        read |= guids
        run.seen += _store(session, run, page.items if first is None else page.items[: first - run.seen])
        if page.total is not None:
            # The first total is kept: with it, a reading that goes on after a death sees that the list has changed before.
            run.told = page.total if run.told is None else run.told
            moved, most_told = moved or page.total != run.told, max(most_told, page.total)
        moved, run.cursor = moved or page.moved, page.cursor
        if run.seen > most:
            raise KzError("harvest.too_many_items", limit=most)
        session.commit()
        if first is not None and run.seen >= first:
            return
        if silent >= PAGES_WITHOUT_NEWS:
            raise KzError("harvest.loops", found=run.seen)
    unread = _unread(session, run)
    if unread is not None and not _has_items(session, run):
        raise unread
    run.error, run.error_params = None, {}
    run.complete = run.seen >= most_told
    if not run.complete:
        run.error, run.error_params = "harvest.fewer_than_told", {"told": most_told, "found": run.seen}
    elif moved:
        run.complete, run.error = False, "harvest.list_changed"
    elif unread is not None:
        run.complete, run.error = False, PART_UNREAD
    session.commit()


def _forget_unread(session: Session, run: Run) -> int:
    """Take away the parts that an earlier reading could not read, as the list is read from its beginning again; how many."""
    unread = delete(Item).where(Item.run_id == run.id, Item.data.has_key(PART_UNREAD)).returning(Item.guid)
    return len(session.execute(unread).all())


def _unread(session: Session, run: Run) -> KzError | None:
    """The error of the first part that could not be read; nothing was fetched yet."""
    wanted = select(Item.error, Item.error_params).where(Item.run_id == run.id, Item.outcome == "failed")
    found = session.execute(wanted.order_by(Item.position).limit(1)).first()
    return None if found is None else KzError(str(found.error), **found.error_params)


def _has_items(session: Session, run: Run) -> bool:
    return session.scalars(select(Item.guid).where(Item.run_id == run.id, Item.outcome.is_(None)).limit(1)).first() is not None


def _store(session: Session, run: Run, items: list[Found]) -> int:
    """Keep those items that this run has not seen yet; how many. One without a name is an unread part."""
    rows = {
        guid: {
            "run_id": run.id,
            "guid": guid,
            "position": (run.seen or 0) + number,
            "hash": item.hash,
            "data": dict(item.data) if item.error is None else {PART_UNREAD: True},
            **_failed(item.error),
        }
        for number, item in enumerate(map(_named, items))
        if (guid := cleaned(item.guid, LONGEST_GUID))
    }
    if not rows:
        return 0
    added = session.execute(insert(Item).values(list(rows.values())).on_conflict_do_nothing().returning(Item.guid))
    return len(added.all())


def _named(item: Found) -> Found:
    if cleaned(item.guid):
        return item
    return parts.odd([item.hash, dict(item.data)], item.error or KzError(failing.LIST, problem="no guid"))


def _failed(error: KzError | None) -> dict[str, Any]:
    """What an item has that failed by an error, or of which nothing is known yet."""
    if error is None:
        return {"outcome": None, "error": None, "error_params": {}, "attempts": 0, "finished": None}
    told = {"error": error.code, "error_params": error.params, "attempts": 1}
    return {"outcome": "failed", "finished": datetime.now(UTC), **told}
