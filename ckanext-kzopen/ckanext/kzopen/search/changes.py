"""What a database session has changed that the search index must hear of.

Listeners on CKAN's session collect, while it flushes, the packages whose document no longer tells the truth: those changed
themselves, and those of changed groups and members, which stock CKAN forgets; and the things that other sections have. A
package that is indexed later in the same transaction drops out. What is left goes to the outbox before the commit, so that a
crash loses nothing.
Not seen: raw SQL and `engine.begin()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ckanext.kzopen.core import outbox
from ckanext.kzopen.search import registry, topics
from sqlalchemy import text
from sqlalchemy.orm import Session

_INFO = "kzopen_search"
_UNHURRIED = "kzopen_search_unhurried"
_QUIETLY = "kzopen_search_quietly"
_PACKAGES_OF_GROUPS = text(
    """
    SELECT id FROM package WHERE owner_org = ANY (CAST(:groups AS text[]))
    UNION SELECT table_id FROM member WHERE table_name = 'package' AND group_id = ANY (CAST(:groups AS text[]))
    """
)


@dataclass
class Changes:
    """Of one transaction: outbox rows for the index, packages to compute anew, groups whose packages are, other things."""

    rows: list[int] = field(default_factory=list)
    stale_rows: list[int] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    indexed: set[str] = field(default_factory=set)
    things: set[tuple[str, str]] = field(default_factory=set)


def of(session: Any) -> Changes:
    """The changes of the session's transaction."""
    changes: Changes = session.info.setdefault(_INFO, Changes())
    return changes


def taken(session: Any) -> Changes:
    """The changes of the transaction that ended; the next one starts with none."""
    changes: Changes = session.info.pop(_INFO, None) or Changes()
    return changes


def written(session: Any, reference: str, rows: Iterable[int]) -> None:
    """The session wrote or removed this document; its transaction holds the document's lock until it ends."""
    changes = of(session)
    changes.rows.extend(rows)
    changes.indexed.add(reference)


def indexed(session: Any, package_id: str) -> None:
    """The package's document was made from the session's objects: what it has changed is in it, even if not flushed yet."""
    session.flush()
    changes = of(session)
    changes.packages.discard(package_id)
    changes.indexed.add(package_id)


@contextmanager
def unhurried(session: Any, quietly: bool = False) -> Iterator[Changes]:
    """Commits inside do not wait for the index; gives what collects their outbox rows.

    `quietly`: the indexer is not woken either. It finds what was written when it looks by itself: many documents at once cost
    far less.
    """
    left = Changes()
    session.info[_UNHURRIED], session.info[_QUIETLY] = left, quietly
    try:
        yield left
    finally:
        session.info.pop(_UNHURRIED, None)
        session.info.pop(_QUIETLY, None)


def quietly(session: Any) -> bool:
    """Whether the session's changes wake nobody."""
    return bool(session.info.get(_QUIETLY))


def left_by(session: Any) -> Changes | None:
    """What `unhurried` gives, None outside of it."""
    left: Changes | None = session.info.get(_UNHURRIED)
    return left


def collect(session: Session) -> None:
    """After a flush: remember which packages and groups it touched."""
    changes = of(session)
    for instance in (*session.new, *session.deleted):
        _note(changes, instance)
    for instance in session.dirty:
        if session.is_modified(instance, include_collections=False):
            _note(changes, instance)


def _note(changes: Changes, instance: Any) -> None:
    match type(instance).__name__:
        case "Package":
            changes.packages.add(instance.id)
        case "PackageTag" | "Resource" if instance.package_id:
            changes.packages.add(instance.package_id)
        case "Group":
            changes.groups.add(instance.id)
        case "Member" if instance.table_name == "package" and instance.table_id:
            changes.packages.add(instance.table_id)
    for kind, thing in registry.touched(instance):
        if kind == registry.PACKAGE:
            changes.packages.add(thing)
        else:
            changes.things.add((kind, thing))


def stale(session: Any, entity_type: str, entity_id: str) -> None:
    """Have a thing's document computed anew after the commit; for what no flushed object tells."""
    of(session).things.add((entity_type, entity_id))


def tell(session: Session) -> None:
    """Before a commit: one outbox row for every package or other thing whose document must be computed anew."""
    changes = of(session)
    packages = set(changes.packages)
    if changes.groups:
        packages.update(session.execute(_PACKAGES_OF_GROUPS, {"groups": sorted(changes.groups)}).scalars())
    if packages:
        changes.stale_rows.extend(outbox.emit_many(session, topics.STALE, sorted(packages)))
    if changes.things:
        things = sorted(registry.reference(*thing) for thing in changes.things)
        changes.stale_rows.extend(outbox.emit_many(session, topics.STALE_THING, things))
    changes.things.clear()
    changes.packages.clear()
    changes.groups.clear()


def savepoint_undone(session: Any) -> None:
    """A savepoint rolled back, perhaps with documents in it: all that was indexed must be computed anew."""
    changes = of(session)
    changes.packages |= changes.indexed
