"""Compute all documents anew, compare them with what is stored, mend what differs.

Takes the place of CKAN's `search.rebuild`, which has one commit at the very end, and of `rebuild-fast`, which forks processes
with inherited database connections.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

import ckan.model as model
import click
from ckan import logic
from ckan.common import config
from ckan.lib import search
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.withdrawal import tombstone
from ckanext.kzopen.search import changes, connection, health, progress, recompute, registry, store, topics, waiting
from ckanext.kzopen.search.document import from_solr, key_of
from ckanext.kzopen.search.health import Check
from sqlalchemy import text

log = logging.getLogger(__name__)

Thing = str | tuple[str, str]
_LEAST_WAIT = 30.0
_LOOK = 1.0
_LAST_ONES = 3.0
_COMPUTING = "Computing documents anew"
_ADDRESS = "kzopen.address"
"""Where CKAN's table of settings keeps the address that the documents tell."""
_rebuild_of_ckan = search.rebuild
_IDS = "SELECT id FROM package WHERE state <> 'deleted' OR :deleted_too ORDER BY id"
_WITHOUT_DOCUMENT = """
    SELECT id FROM package p WHERE (state <> 'deleted' OR :deleted_too)
        AND NOT EXISTS (SELECT FROM kzopen.search_document d WHERE d.entity_type = 'package' AND d.entity_id = p.id)
"""


def rebuild(
    package_id: str | None = None,
    only_missing: bool = False,
    force: bool = False,
    defer_commit: bool = False,
    package_ids: Collection[str] | None = None,
    quiet: bool = False,
    clear: bool = False,
) -> None:
    """As CKAN's `search.rebuild`: one package, some, all and all other things, or those without a document.

    Each of many has a transaction of its own. `force` logs failures and goes on. Search keeps answering meanwhile.
    """
    if package_id or package_ids is not None:
        _rebuild_of_ckan(package_id, force=force, defer_commit=defer_commit, package_ids=package_ids, quiet=quiet)
        return
    if clear:
        connection.Connection().clear()
    ids = _package_ids(_WITHOUT_DOCUMENT if only_missing else _IDS)
    things = [] if only_missing else sorted(_things())
    documents([*ids, *things], force, _silent if quiet else progress.Shown(_COMPUTING))


def documents(
    wanted: Collection[Thing],
    force: bool = False,
    show: Callable[[int, int], None] = lambda _n, _of: None,
    seconds: float = _LEAST_WAIT,
) -> list[str]:
    """Compute these documents anew and wait so long until the index has them; `show` hears of the progress.

    A string is a package's id, a pair kind and id of a thing of another section. Returns those that could not be computed,
    each with the reason; without `force` the first failure is raised.
    """
    failed = []
    with changes.unhurried(model.Session(), quietly=True) as left:
        for number, one in enumerate(wanted, 1):
            failed += _one(one, force)
            show(number, len(wanted))
    if left.rows:
        outbox.wake(model.Session, topics.CHANGED)
        model.Session.commit()
        seconds = max(seconds, float(config.get("kzopen.search_wait") or 0))
        waiting.acknowledgements(model.meta.engine).wait(left.rows[-1:], seconds)
    return failed


def _one(wanted: Thing, force: bool) -> list[str]:
    """Nothing, or what could not be computed, with the reason."""
    try:
        recompute.unflushed()
        if isinstance(wanted, str):
            recompute.document(wanted)
        else:
            recompute.thing(*wanted)
        model.Session.commit()
    except Exception as error:  # plugins compute parts of a document and may raise anything
        model.Session.rollback()
        if not force:
            raise
        log.exception("the search document of %s could not be computed", wanted)
        return [f"{wanted if isinstance(wanted, str) else registry.reference(*wanted)}: {error!r}"]
    return []


def rebuild_fast() -> None:
    """Takes the place of the command of this name: ends with 1 when not all could be computed."""
    if problem := computed_anew():
        raise click.ClickException(problem)


def computed_anew() -> str:
    """Compute all documents anew in as many processes as there are cores, each with connections of its own.

    Returns what is left undone, in a sentence, or nothing.
    """
    with recompute.draining():
        return _in_processes()


def follow_address(address: str) -> None:
    """Have all documents computed anew when the portal's address was another one: they tell the addresses of files."""
    known = model.get_system_info(_ADDRESS)
    if known != address:
        if known is not None:
            _ask_for_all()
        model.set_system_info(_ADDRESS, address)


def _ask_for_all() -> list[int]:
    """Ask for all documents to be computed anew; the rows of the outbox, one for each."""
    ids, things = _package_ids(_IDS), [registry.reference(*thing) for thing in sorted(_things())]
    rows = outbox.emit_many(model.Session, topics.STALE, ids)
    rows += outbox.emit_many(model.Session, topics.STALE_THING, things)
    with changes.unhurried(model.Session()):
        model.Session.commit()
    return rows


def _in_processes() -> str:
    rows, show = _ask_for_all(), progress.Shown(_COMPUTING)
    command = [sys.executable, "-m", "ckanext.kzopen.search.recompute", str(config["__file__"])]
    children = [subprocess.Popen(command) for _core in range(os.cpu_count() or 1)]
    while any(child.poll() is None for child in children):
        show(max(0, len(rows) - _left()), len(rows))
        time.sleep(_LOOK)
    left = _undone(rows)
    show(len(rows) - left, len(rows))
    click.echo("")
    if not left:
        return ""
    died = [child.returncode for child in children if child.returncode]
    why = (
        f"{len(died)} of {len(children)} processes ended with {', '.join(map(str, died))}"
        if died
        else "their errors stand above"
    )
    return f"{left} of {len(rows)} documents could not be computed anew: {why}. They are tried again by themselves."


def _undone(rows: list[int]) -> int:
    """How many of these rows nobody has done; another process may be about to finish its last ones."""
    end = time.monotonic() + _LAST_ONES
    while left := outbox.waiting(model.Session, topics.RECOMPUTE, rows):
        model.Session.rollback()
        if time.monotonic() > end:
            break
        time.sleep(0.2)
    return left


def _left() -> int:
    with model.meta.engine.connect() as own:
        return outbox.pending(own, topics.RECOMPUTE).rows


def full_check(recompute_all: bool = False) -> Check:
    """What is out of step; with `recompute_all` also documents that would come out differently today (34 ms each)."""
    found = health.check(model.Session, connection.reader(), not config.get("ckan.search.remove_deleted_packages"))
    things = things_out_of_step()
    found = replace(found, things_without_document=things[0], documents_without_thing=things[1])
    if not recompute_all:
        return found
    return replace(found, stale_packages=tuple(_stale(_package_ids(_IDS))), stale_things=tuple(_stale_things()))


def _things() -> Iterator[tuple[str, str]]:
    """Kind and id of all that other sections have, and of documents whose thing or section is gone."""
    for section in registry.beside_packages():
        yield from ((section.entity_type, found) for found in section.ids(model.Session))
    yield from (registry.dereferenced(gone) for gone in things_out_of_step()[1])


def things_out_of_step() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Things of other sections without a document, and documents without a thing."""
    there = store.references(model.Session, str(config.get("ckan.site_id"))).keys()
    wanted = {
        registry.reference(section.entity_type, found)
        for section in registry.beside_packages()
        for found in section.ids(model.Session)
    }
    return tuple(sorted(wanted - there)), tuple(sorted(there - wanted))


def _stale_things() -> Iterator[str]:
    """Things whose document would come out differently today."""
    site, stored = str(config.get("ckan.site_id")), store.hashes(model.Session)
    kept = store.references(model.Session, site)
    for section in registry.beside_packages():
        for found in section.ids(model.Session):
            reference = registry.reference(section.entity_type, found)
            source = section.source(model.Session, found)
            made = source and from_solr(recompute.completed(source, section.entity_type, found, site), site)
            if (made.hash if made else None) != stored.get(kept.get(reference, "")):
                yield reference


def _stale(ids: Iterable[str]) -> Iterable[str]:
    stored = store.hashes(model.Session)
    site = str(config.get("ckan.site_id"))
    for package_id in ids:
        with connection.captured() as made:
            if tombstone(model.Session(), "dataset", package_id) is None:  # what was withdrawn has no document
                logic.index_update_package({"ignore_auth": True}, package_id)
        model.Session.rollback()
        kept = stored.get(key_of(package_id, site))
        if [document.hash for document in made] != ([] if kept is None else [kept]):
            yield package_id


def repair(found: Check, show: Callable[[int, int], None] = lambda _n, _of: None, seconds: float = _LEAST_WAIT) -> list[str]:
    """Bring in step what a check found, documents and index, and wait so long for the index.

    Whether it is in step then, another check tells. Returns what could not be computed, each with the reason.
    """
    with changes.unhurried(model.Session()):
        rows = outbox.emit_many(model.Session, topics.CHANGED, found.keys)
        model.Session.commit()
    things = {*found.things_without_document, *found.documents_without_thing, *found.stale_things}
    packages = [*found.packages_without_document, *found.documents_without_package, *found.stale_packages]
    until = time.monotonic() + seconds
    failed = documents([*packages, *(registry.dereferenced(thing) for thing in sorted(things))], True, show, seconds)
    waiting.acknowledgements(model.meta.engine).wait(rows, max(0.0, until - time.monotonic()))
    return failed


def _package_ids(statement: str) -> list[str]:
    deleted_too = not config.get("ckan.search.remove_deleted_packages")
    return list(model.Session.execute(text(statement), {"deleted_too": deleted_too}).scalars())


def _silent(_number: int, _of: int) -> Any:
    return None
