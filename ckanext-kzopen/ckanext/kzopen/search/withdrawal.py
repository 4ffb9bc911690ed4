"""The search index and its documents as places from which data sets and files are withdrawn."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib import search
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.withdrawal import Place, Thing, register, tombstone
from ckanext.kzopen.search import recompute, registry, store, topics
from ckanext.kzopen.search.document import key_of
from sqlalchemy import text
from sqlalchemy.orm import Session

# The document as it was before a change is kept for saved searches, up to seven days after it is gone.
_REMEMBERED = text("SELECT fields, written FROM kzopen.search_before WHERE key = :key AND fields IS NOT NULL")
_FORGET = (
    text("DELETE FROM kzopen.search_before WHERE key = :key"),
    text("DELETE FROM kzopen.search_told WHERE about = :about"),
)
_REMEMBER_AS_IT_IS = text(
    """
    UPDATE kzopen.search_before b SET fields = d.fields, analysis = d.analysis, written = d.changed
    FROM kzopen.search_document d WHERE d.key = b.key AND b.key = :key AND b.fields IS NOT NULL
    """
)


def compute_anew(session: Session, thing: Thing) -> None:
    """Remove the document of a withdrawn data set, or compute it without the withdrawn file.

    What the data set gained shortly before its file was withdrawn is told to no saved search.
    """
    package = thing.parts["package"]
    recompute.document(package)
    place = {"key": key_of(package, _site()), "about": registry.reference(registry.PACKAGE, package)}
    for statement in _FORGET if thing.kind == "dataset" else (_REMEMBER_AS_IT_IS,):
        session.execute(statement, place)


def is_not_in_document(session: Session, thing: Thing) -> bool:
    """Whether no document tells of it."""
    if thing.kind not in ("dataset", "resource"):
        return True
    document = store.get(session, _site(), "package", thing.parts["package"])
    return not _is_remembered(session, thing) and not _tells(document, thing)


def _is_remembered(session: Session, thing: Thing) -> bool:
    """Whether a document is remembered that tells of it: its words are there even where its id is not, so its age counts."""
    before = session.execute(_REMEMBERED, {"key": key_of(thing.parts["package"], _site())}).one_or_none()
    if before is None:
        return False
    gone = tombstone(session, thing.kind, thing.id)
    return _tells(before.fields, thing) or (gone is not None and before.written <= gone.at)


def tell_index(session: Session, thing: Thing) -> None:
    """Have the index take the document as it is now, or its absence."""
    outbox.emit(session, topics.CHANGED, key_of(thing.parts["package"], _site()))


def is_not_in_index(session: Session, thing: Thing) -> bool:
    """Whether the search engine finds nothing of it."""
    if thing.kind not in ("dataset", "resource"):
        return True
    found = search.make_connection().search(f'id:"{thing.parts["package"]}"', fq=f'site_id:"{_site()}"', rows=1)
    return not any(_tells(document, thing) for document in found.docs)


def _tells(document: dict[str, Any] | None, thing: Thing) -> bool:
    """A document of the data set itself tells of it in any case; of a file, when it names its id."""
    if document is None:
        return False
    return thing.kind == "dataset" or thing.id in str(document)


def _site() -> str:
    return str(tk.config.get("ckan.site_id"))


PLACES = (
    Place(
        "documents",
        {"kk": "Іздеу құжаттары", "ru": "Поисковые документы", "en": "Search documents"},
        compute_anew,
        is_not_in_document,
    ),
    Place(
        "index",
        {"kk": "Іздеу индексі", "ru": "Поисковый индекс", "en": "Search index"},
        tell_index,
        is_not_in_index,
    ),
)


def announce() -> None:
    """Make the places known; a search server of others (`solr://`) has no documents here."""
    from ckanext.kzopen.search import seams

    for place in PLACES if seams.active() else PLACES[1:]:
        register(place)
