"""Compute documents anew for packages, and things of other sections, that changed behind CKAN's back.

`changes.py` says which, the outbox remembers them.

A few are computed at once, in a thread of the process that changed them, with a session of its own, since the caller's may
hold old objects. The rest, and those of a process that died, are left to `python -m ckanext.kzopen.search.recompute INI`,
which the indexer starts when rows have waited.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import takewhile
from typing import Any

import ckan.model as model
from ckan import logic
from ckan.common import config
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.withdrawal import tombstone
from ckanext.kzopen.search import changes, registry, store, topics
from ckanext.kzopen.search.document import from_solr, key_of
from ckanext.kzopen.search.threads import threads
from ckanext.kzopen.search.topics import RECOMPUTE
from flask import current_app, has_app_context
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Packages that the changing process computes itself; more are left to the background."""

TOGETHER = 10
"""Packages whose documents are computed in one transaction; who changes one of them meanwhile waits a fifth of a second."""

_ROWS = text("SELECT id, topic, key FROM kzopen.outbox WHERE id = ANY (CAST(:ids AS bigint[])) ORDER BY id")
_LOCK_FREE = text("SELECT id FROM package WHERE id = ANY (CAST(:ids AS text[])) FOR SHARE SKIP LOCKED")
_LOCK = text("SELECT 1 FROM package WHERE id = :id FOR SHARE")
_UNFLUSHED = text("SET LOCAL synchronous_commit TO off")
_DRAINS = text("SELECT pg_advisory_lock_shared(:lock)")
_DRAINED = text("SELECT pg_advisory_unlock_shared(:lock)")
_LOCK_THING = text("SELECT pg_advisory_xact_lock(hashtextextended('kzopen.search:' || :thing, 0))")


def soon(stale_rows: Sequence[int], seconds: float) -> list[int]:
    """Have these outbox rows done in the background; returns the index's rows if they were done within `seconds`.

    The change itself has been committed, so nothing here may fail the request.
    """
    if not stale_rows or len(stale_rows) > AT_ONCE:
        return []
    app = current_app._get_current_object() if has_app_context() else None  # type: ignore[attr-defined]
    done: Future[list[int]] = threads("recompute", 1).submit(_in_thread, app, list(stale_rows))
    try:
        return done.result(seconds) if seconds > 0 else []
    except TimeoutError:
        return []
    except SQLAlchemyError as error:
        log.warning("search documents are left to be computed later: %s", error)
        return []


def _in_thread(app: Any, ids: list[int]) -> list[int]:
    context: AbstractContextManager[Any] = app.test_request_context() if app else nullcontext()
    with context, changes.unhurried(model.Session()) as left:
        try:
            for message_id, topic, key in model.Session.execute(_ROWS, {"ids": ids}).all():
                _attempt(message_id, topic, key)
        finally:
            model.Session.remove()
    return left.rows


def _attempt(message_id: int, topic: str, key: str) -> bool:
    """Compute one document; a failure is logged and leaves its row for a later attempt."""
    try:
        unflushed()
        if topic == topics.STALE_THING:
            thing(*registry.dereferenced(key))
        else:
            document(key)
        outbox.acknowledge(model.Session, RECOMPUTE, [message_id])
        model.Session.commit()
    except Exception:  # plugins compute parts of a document and may raise anything; the next package must not suffer
        log.exception("the search document of %s could not be computed", key)
        model.Session.rollback()
        return False
    return True


def unflushed() -> None:
    """Let this transaction's commit not wait for the disk.

    A power cut takes it back as a whole, and what asked for the document (a row of the outbox, or a person) asks again.
    """
    model.Session.execute(_UNFLUSHED)


def document(package_id: str) -> None:
    """Compute the package's document anew in the session's transaction.

    The lock waits for whoever is changing the package, so an older state never overwrites a newer one.
    """
    found = model.Session.execute(_LOCK, {"id": package_id}).scalar()
    model.Session.expire_all()
    if found:
        _of_package(package_id)
    else:
        _remove(package_id)


def _of_package(package_id: str) -> None:
    """The document of a package that is there and locked; what was withdrawn has none."""
    if tombstone(model.Session(), "dataset", package_id) is None:
        logic.index_update_package({"ignore_auth": True}, package_id)
    else:
        _remove(package_id)


def _remove(package_id: str) -> None:
    rows = store.remove(model.Session, str(config.get("ckan.site_id")), "package", package_id)
    changes.written(model.Session(), package_id, rows)


def thing(entity_type: str, entity_id: str) -> None:
    """Compute the document of a thing of another section anew in the session's transaction.

    The lock lets one at a time compute it, and each reads what was committed before it began.
    """
    reference = registry.reference(entity_type, entity_id)
    model.Session.execute(_LOCK_THING, {"thing": reference})
    model.Session.expire_all()
    section = registry.section_of(entity_type)
    source = section.source(model.Session, entity_id) if section else None
    site = str(config.get("ckan.site_id"))
    if source is None:
        rows = store.remove(model.Session, site, entity_type, entity_id)
    else:
        made = from_solr(completed(source, entity_type, entity_id, site), site)
        rows = [store.put(model.Session, made, changes.quietly(model.Session()))]
    changes.written(model.Session(), reference, rows)


def completed(source: Mapping[str, Any], entity_type: str, entity_id: str, site: str) -> dict[str, Any]:
    """A section's document with what every document has: its kind, its site, its key."""
    key = key_of(registry.reference(entity_type, entity_id), site)
    known = {"id": entity_id, "entity_type": entity_type, "site_id": site, "index_id": key, "state": "active"}
    return {**known, **source}


def drain() -> int:
    """Do all waiting rows, a few in a transaction; returns how many were done. Several processes may drain at once.

    A row that fails is left for the next time.
    """
    done, last = 0, 0
    while messages := outbox.take(model.Session, RECOMPUTE, limit=TOGETHER, after=last):
        # A thing goes alone: a commit gives the other rows free, and another process would do them too.
        some = list(takewhile(lambda message: message.topic == topics.STALE, messages)) or messages[:1]
        last = some[-1].id
        packages = {message.id: message.key for message in some if message.topic == topics.STALE}
        together = _together(packages) if packages else set()
        alone = [message for message in some if message.id not in together]
        done += len(together) + sum(_attempt(message.id, message.topic, message.key) for message in alone)
    model.Session.rollback()
    return done


def _together(packages: Mapping[int, str]) -> set[int]:
    """Compute the documents of packages, by outbox row, in one transaction, so that the index gets them in one commit too.

    Returns the rows that were done: none when one fails, and not those whose package somebody is changing. Nobody is waited
    for while other packages are locked.
    """
    try:
        unflushed()
        free = set(model.Session.execute(_LOCK_FREE, {"ids": sorted(set(packages.values()))}).scalars())
        model.Session.expire_all()
        for package_id in free:
            _of_package(package_id)
        done = {row for row, package_id in packages.items() if package_id in free}
        outbox.acknowledge(model.Session, RECOMPUTE, done)
        model.Session.commit()
    except Exception:  # plugins compute parts of a document and may raise anything; then each is tried alone
        log.debug("search documents are computed one by one", exc_info=True)
        model.Session.rollback()
        return set()
    return done


@contextmanager
def draining() -> Iterator[None]:
    """The indexer starts no further process for rows that wait while one like this is at work."""
    with model.meta.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
        own.execute(_DRAINS, {"lock": topics.DRAINING})
        try:
            yield
        finally:
            own.execute(_DRAINED, {"lock": topics.DRAINING})  # the connection goes back to the pool


def main() -> None:
    """Load CKAN, do what is waiting, end."""
    from ckan.cli import load_config
    from ckan.config.middleware import make_app

    app = make_app(load_config(sys.argv[1]))
    start = time.monotonic()
    with app._wsgi_app.test_request_context(), changes.unhurried(model.Session(), quietly=True), draining():
        log.info("%d search documents computed anew in %.1f s", drain(), time.monotonic() - start)
        outbox.wake(model.Session, topics.CHANGED)
        model.Session.commit()


if __name__ == "__main__":
    main()
