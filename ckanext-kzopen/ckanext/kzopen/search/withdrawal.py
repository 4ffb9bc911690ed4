"""The search index and its documents as places from which data sets and files are withdrawn."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib import search
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.withdrawal import Place, Thing, register
from ckanext.kzopen.search import recompute, store, topics
from ckanext.kzopen.search.document import key_of
from sqlalchemy.orm import Session


def compute_anew(session: Session, thing: Thing) -> None:
    """Remove the document of a withdrawn data set, or compute it without the withdrawn file."""
    recompute.document(thing.parts["package"])


def is_not_in_document(session: Session, thing: Thing) -> bool:
    """Whether no document tells of it."""
    if thing.kind not in ("dataset", "resource"):
        return True
    return not _tells(store.get(session, _site(), "package", thing.parts["package"]), thing)


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
