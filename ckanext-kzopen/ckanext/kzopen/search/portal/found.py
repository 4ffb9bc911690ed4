"""Whatever newly fits a saved search is told once to whoever saved it: things of all sections, new, renamed or opened.

PostgreSQL keeps each document as it was before it changed (`kzopen.search_before`) until it has been looked at here. New is
what the reader may find now and could not find before, under the permissions of then and of now. A document that is not for
everybody yet is looked at again at its moment.

Who saves a search between two changes of a document, before either was looked at, may be told of it though it was there: only
what it was before the first of them is kept.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ckan import model
from ckan.lib.plugins import get_permission_labels
from ckanext.kzopen.core import notices
from ckanext.kzopen.core.notices import searches
from ckanext.kzopen.core.texts import LANGUAGES, in_language
from ckanext.kzopen.search import analysis, dates, evaluation, registry, store
from ckanext.kzopen.search.portal import asked
from ckanext.kzopen.search.portal.answering import Labels
from ckanext.kzopen.search.portal.asked import Nodes
from ckanext.kzopen.search.portal.hits import texts_of
from ckanext.kzopen.search.registry import AnySession
from ckanext.kzopen.search.tree import Node, Nothing
from ckanext.kzopen.search.visibility import FROM, PUBLIC, sees
from sqlalchemy import select, text

log = logging.getLogger(__name__)

MOST = 2_000
"""Documents looked at in one go; the rest waits for the next, ten seconds later."""
LONGEST = 5.0
"""Seconds after which a go begins no further document: all other notices wait for it."""
EVERYBODY = frozenset({PUBLIC})
_DUE = text("SELECT key, changes FROM kzopen.search_before WHERE due <= clock_timestamp() ORDER BY due, key LIMIT :most")
_ROW = text(
    """
    SELECT b.key, b.about, b.fields AS before, b.analysis, b.since, b.last, b.opens, b.changes, d.fields, d.stored
    FROM kzopen.search_before b LEFT JOIN kzopen.search_document d USING (key)
    WHERE b.key = :key AND b.changes = :changes AND b.due <= clock_timestamp()
    """
)
# What is remembered is known by its first moment, too: after it is dropped, changes are counted from one again.
_DONE = text("DELETE FROM kzopen.search_before WHERE key = :key AND changes = :changes AND since = :since")
_GONE = text("UPDATE kzopen.search_before SET due = NULL WHERE key = :key AND changes = :changes AND since = :since")
_AT_ITS_MOMENT = text(
    """
    UPDATE kzopen.search_before b
    SET due = :due, fields = d.fields, analysis = d.analysis, written = d.changed, since = clock_timestamp()
    FROM kzopen.search_document d WHERE d.key = b.key AND b.key = :key AND b.changes = :changes AND b.since = :since
    """
)
_AFTER_A_FAILURE = text("UPDATE kzopen.search_before SET due = clock_timestamp() + interval '10 minutes' WHERE key = :key")
_FORGET_GONE = text(
    """
    WITH gone AS (
        DELETE FROM kzopen.search_before WHERE due IS NULL AND last < now() - interval '7 days' RETURNING about)
    DELETE FROM kzopen.search_told WHERE about IN (SELECT about FROM gone)
    """
)
_FIRST_TIME = text(
    """
    INSERT INTO kzopen.search_told (subscription, about)
    SELECT id, :about FROM (
        SELECT id FROM kzopen.subscription WHERE id = ANY (CAST(:subscriptions AS bigint[])) ORDER BY id FOR KEY SHARE) s
    ON CONFLICT DO NOTHING RETURNING subscription
    """
)


class Trees:
    """What addresses of saved searches mean; one that is refused is told once and finds nothing."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._known: dict[str, Sequence[Node]] = {}

    def fitting(self, addresses: Iterable[str], fields: dict[str, Any]) -> list[str]:
        """Those of the addresses that a document fits, whoever may see it."""
        return [one for one in addresses if self._fits(one, fields)]

    def _fits(self, address: str, fields: dict[str, Any]) -> bool:
        if address not in self._known:
            self._known[address] = asked.understood(address, self._nodes, [Nothing()])
        return all(evaluation.holds(node, fields) for node in self._known[address])


class Look:
    """One go over what has changed: what each address means, and who the readers are, is found out once."""

    def __init__(self, nodes: Nodes) -> None:
        self._trees = Trees(nodes)
        self._labels: dict[str, Labels] = {}

    def at(self, session: AnySession, row: Any) -> list[int]:
        """The saved searches that newly find the document of this row."""
        if row.before is not None and row.analysis != analysis.VERSION:
            return []  # words of another version of the analysis cannot be compared with those of queries
        fitting = set(self._trees.fitting(asked.candidates(session, row.fields), row.fields))
        fitted = set(self._trees.fitting(fitting, row.before)) if row.before is not None else set()
        if fitted and sees(row.before, EVERYBODY, row.since):
            fitting, fitted = fitting - fitted, set()
        saved = searches.saved(session, sorted(fitting)) if fitting else ()
        alike = sees(row.fields, EVERYBODY, datetime.now(UTC)) and not fitted and row.opens is None
        labels = {} if alike else self._labels_of({one.reader for one in saved})
        return [one.id for one in saved if _is_new(one, row, one.target in fitted, labels.get(one.reader, EVERYBODY))]

    def _labels_of(self, readers: set[str]) -> Mapping[str, Labels]:
        self._labels |= labels_of(readers - self._labels.keys())
        return self._labels


def _is_new(saved: Any, row: Any, fitted: bool, labels: Labels) -> bool:
    """Whether a search that the document fits, and `fitted` before, may tell a reader with these labels of it."""
    if not sees(row.fields, labels, datetime.now(UTC)):
        return False
    if fitted and sees(row.before, labels, row.since):
        return False
    # Who saved the search after the change found the document then, unless it was not for everybody yet.
    return not (saved.confirmed > row.last and sees(row.fields, labels, saved.confirmed, row.opens))


def labels_of(readers: Iterable[str]) -> dict[str, Labels]:
    """The labels of accounts, None for operators; an address without account finds what everybody finds."""
    wanted = list(readers)
    accounts = [one for one in wanted if "@" not in one]
    active = select(model.User).where(model.User.id.in_(accounts), model.User.state == "active")
    found: dict[str, Labels] = dict.fromkeys(wanted, EVERYBODY)
    for person in model.Session.scalars(active) if accounts else ():
        own = None if person.sysadmin else frozenset(get_permission_labels().get_user_dataset_labels(person))
        found[str(person.id)] = own
    return found


def who_may(session: AnySession, site: str, about: str, readers: frozenset[str]) -> frozenset[str] | None:
    """Those who find a thing now: everybody (None), or some of the readers."""
    document = store.fields_of(session, site, *registry.dereferenced(about))
    now = datetime.now(UTC)
    if document is None:
        return frozenset()
    if sees(document, EVERYBODY, now):
        return None
    return frozenset(reader for reader, labels in labels_of(readers).items() if sees(document, labels, now))


def tell(session: AnySession, nodes: Nodes) -> int:
    """Look at what has changed, each document in a transaction of its own; how many. One that fails waits ten minutes.

    At most `MOST` documents, and after the first none begun after `LONGEST` seconds; the others wait for the next go. Of
    documents that are gone, what they were and who was told of them is forgotten after seven days: coming back later they
    are new.

    All wait while searches are saved faster than they are read, as after a change of how they are read. Whoever saves one
    after what is due was read finds the documents as they are looked at here, and what changes after that waits for the next
    go.
    """
    session.execute(_FORGET_GONE)
    due = session.execute(_DUE, {"most": MOST}).all()
    session.commit()
    if not asked.read(session, nodes) or not due:
        return 0
    until, look = time.monotonic() + LONGEST, Look(nodes)
    for done, (key, changes) in enumerate(due, 1):
        _look_at(session, look, key, changes)
        if time.monotonic() > until:
            return done
    return len(due)


def _look_at(session: AnySession, look: Look, key: str, changes: int) -> None:
    """Nothing to be done for a document that has changed meanwhile, or was looked at by another process."""
    try:
        row = session.execute(_ROW, {"key": key, "changes": changes}).first()
        if row is not None:
            _tell(session, look, row)
    except Exception:
        log.exception("saved searches cannot be told of document %s", key)
        session.rollback()
        session.execute(_AFTER_A_FAILURE, {"key": key})
    session.commit()


def _tell(session: AnySession, look: Look, row: Any) -> None:
    place = {"key": row.key, "changes": row.changes, "since": row.since}
    if row.fields is None:
        session.execute(_GONE, place)
        return
    section = registry.section_of(registry.dereferenced(row.about)[0])
    found = look.at(session, row) if section else []
    first = first_time(session, row.about, found) if found else []
    if section and first:
        _tell_of(session, section, row, first)
    opens = row.fields["moments"].get(FROM)
    if opens is not None and opens > dates.micros(datetime.now(UTC)):
        session.execute(_AT_ITS_MOMENT, {**place, "due": datetime.fromtimestamp(opens / 1e6, UTC)})
    else:
        session.execute(_DONE, place)


def first_time(session: AnySession, about: str, subscriptions: Sequence[int]) -> list[int]:
    """Those of the subscriptions that have not told of this thing yet, noted as having told; none that is gone meanwhile."""
    given = {"about": about, "subscriptions": list(subscriptions)}
    return sorted(session.execute(_FIRST_TIME, given).scalars())


def _tell_of(session: AnySession, section: registry.Section, row: Any, subscriptions: Sequence[int]) -> None:
    titles = texts_of(row.stored, "title") or {"": str(row.stored.get("name") or registry.dereferenced(row.about)[1])}
    any_title = next(iter(titles.values()))
    values = {
        "title": {language: titles.get(language) or titles.get("") or any_title for language in LANGUAGES},
        "section": {language: in_language(section.label, language) for language in LANGUAGES},
        "link": section.page(row.stored),
    }
    key = f"found:{row.about}:{row.since.isoformat()}:{row.changes}"
    found = (row.since, tuple(subscriptions))
    notices.tell(session, searches.FOUND, row.about, key=key, values=values, followers=False, found=found)
