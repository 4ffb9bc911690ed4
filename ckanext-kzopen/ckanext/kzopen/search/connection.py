"""The object that CKAN's search code takes for a pysolr connection; our index and document table stand behind it.

Core and extensions use of it: `search`, `add`, `delete`, `commit` and `url`, and of an answer `docs`, `hits`, `facets` and its
length. They know of data sets only, so that is all they find here; other sections are found through `search.registry`.

Writes go to the document table: inside an action in the caller's transaction, otherwise in one of their own, committed and
awaited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ckan.model as model
from ckan.common import config
from ckan.lib.search.common import SearchError, SearchQueryError, solr_datetime_decoder
from ckanext.kzopen.core.outbox import Executor
from ckanext.kzopen.search import budget, changes, document, registry, solr_request, spelling, store, visibility, waiting
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Answer, EngineError, Reader, Search
from ckanext.kzopen.search.tree import All, Node, Term
from pysolr import SolrError
from sqlalchemy import text

Hint = dict[str, str]
"""How words that nothing holds were taken (`taken`), and the query as it was probably meant (`q`), if others are near."""

_in_action: ContextVar[bool] = ContextVar("kzopen_search_in_action", default=False)
_captured: ContextVar[list[document.Document] | None] = ContextVar("kzopen_search_captured", default=None)
_hint: ContextVar[Hint | None] = ContextVar("kzopen_search_hint", default=None)
_PACKAGES = Term("entity_type", registry.PACKAGE)
_readers: dict[tuple[str, str], Reader] = {}
_DATA_DICT = "data_dict"
_VALIDATED = "validated_data_dict"
_TO_BE_PARSED = frozenset({"id", _VALIDATED})
"""What CKAN's `package_search` asks for when nobody names fields: it parses each package dict at once, as text or as bytes."""


@contextmanager
def callers_transaction() -> Iterator[None]:
    """Writes inside go into the transaction of CKAN's session and are committed with it."""
    token = _in_action.set(True)
    try:
        yield
    finally:
        _in_action.reset(token)


@contextmanager
def captured() -> Iterator[list[document.Document]]:
    """Documents that are made inside are not written; gives the list that fills with them."""
    made: list[document.Document] = []
    token = _captured.set(made)
    try:
        yield made
    finally:
        _captured.reset(token)


@contextmanager
def hinted() -> Iterator[Hint]:
    """Gives the hint of the search that is made inside; it stays empty when the words were taken as they were typed."""
    hint: Hint = {}
    token = _hint.set(hint)
    try:
        yield hint
    finally:
        _hint.reset(token)


def _note(forgiven: spelling.Forgiven, typed: str) -> None:
    hint = _hint.get()
    if hint is None or forgiven.taken is spelling.Taken.AS_TYPED:
        return
    hint["taken"] = forgiven.taken
    if forgiven.correction:
        hint["q"] = forgiven.correction.of(typed)


def _known_in() -> tuple[Node, ...]:
    """What holds for every data set that anybody may find."""
    return _PACKAGES, Term("site_id", str(config.get("ckan.site_id"))), Term("state", "active")


def reader() -> Reader:
    """The engine of this portal, for questions."""
    address, path = (str(config.get(f"kzopen.search_{name}") or "") for name in ("url", "path"))
    if (address, path) not in _readers:
        _readers[address, path] = engine_of(address, Path(path)).reader()
    return _readers[address, path]


def ask_for_nothing() -> None:
    """Ask the engine for no document at all; raises EngineError when it cannot answer, EngineAway when it is away."""
    reader().search(Search(All(), labels=None, rows=0))


@dataclass(frozen=True)
class SolrAnswer:
    """An answer in pysolr's shape."""

    docs: list[dict[str, Any]]
    hits: int
    facets: dict[str, Any]

    def __len__(self) -> int:
        return self.hits

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.docs)


def _with_id(wanted: frozenset[str] | None) -> frozenset[str] | None:
    """A document is known by its id when its `data_dict` is wanted."""
    return wanted | {"id"} if wanted and _DATA_DICT in wanted else wanted


class Connection:
    """One site's documents; `decode_dates` gives moments as datetime, as pysolr does."""

    def __init__(self, decode_dates: bool = True) -> None:
        self.url = "kzopen-search:"
        self._decode_dates = decode_dates
        self._site = str(config.get("ckan.site_id"))

    def search(self, q: str = "*:*", **params: Any) -> SolrAnswer:
        """Ask the engine; raises CKAN's SearchQueryError for what cannot be asked, SearchError when there is no answer."""
        try:
            asked = solr_request.search_of({"q": q, **params}, visibility.current())
            search = replace(asked, filters=(*asked.filters, _PACKAGES), wanted=_with_id(asked.wanted))
            forgiven = spelling.forgiving(reader(), search, _known_in())
        except solr_request.SortError as error:
            raise SolrError(str(error)) from error
        except budget.RequestError as error:
            raise SearchQueryError(str(error)) from error
        except EngineError as error:
            raise SearchError(f"Search is not available at the moment: {error}") from error
        answer = forgiven.answer
        _note(forgiven, q)
        if asked.wanted is None or _DATA_DICT in asked.wanted:
            self._add_data_dicts(answer.documents)
        if asked.wanted != _TO_BE_PARSED:
            _as_text(answer.documents)
        return self._in_solr_shape(answer)

    def _add_data_dicts(self, documents: list[dict[str, Any]]) -> None:
        """From PostgreSQL: the engine has the validated ones only."""
        found = store.data_dicts(model.Session, self._site, [one["id"] for one in documents])
        for one in documents:
            if one["id"] in found:
                one[_DATA_DICT] = found[one["id"]]

    def _in_solr_shape(self, answer: Answer) -> SolrAnswer:
        docs = [solr_datetime_decoder(found) for found in answer.documents] if self._decode_dates else answer.documents
        facets = {name: [part for pair in counts for part in pair] for name, counts in answer.facets.items()}
        return SolrAnswer(docs, answer.hits, {"facet_fields": facets} if facets else {})

    def add(self, docs: Sequence[Mapping[str, Any]], commit: bool = True, **_options: Any) -> None:
        """Write documents in Solr's shape; they can be found after the commit, whatever `commit` says."""
        for source in docs:
            made = document.from_solr(source, self._site)
            only_captured = _captured.get()
            if only_captured is not None:
                only_captured.append(made)
                continue
            with self._transaction(made.entity_id) as (session, rows):
                rows.append(store.put(session, made, changes.quietly(model.Session())))

    def delete(self, id: str | Sequence[str] | None = None, q: str | None = None, **_options: Any) -> None:
        """Remove documents by id, or those that the engine finds for a query."""
        found = [id] if isinstance(id, str) else list(id or ())
        if q is not None:
            found += [doc["id"] for doc in self.search(q, rows=solr_request.DEEPEST, sort="id asc", fl="id").docs]
        for reference in found:
            self.remove("package", reference)

    def remove(self, entity_type: str, reference: str) -> None:
        """Remove the document of an entity by its id or name."""
        if _captured.get() is not None:
            return
        with self._transaction(reference) as (session, rows):
            rows.extend(store.remove(session, self._site, entity_type, reference))

    def clear(self) -> None:
        """Remove the documents of all data sets of this site."""
        with model.meta.engine.begin() as connection:
            rows = store.clear(connection, self._site)
        _await(rows)

    def commit(self, **_options: Any) -> None:
        """Nothing is left to do: every write has been committed, or will be with the caller's transaction."""

    @contextmanager
    def _transaction(self, entity_id: str) -> Iterator[tuple[Executor, list[int]]]:
        """The caller's, inside an action or when it holds this document's lock already; else one of our own."""
        rows: list[int] = []
        if _in_action.get() or entity_id in changes.of(model.Session()).indexed:
            yield model.Session(), rows
            changes.written(model.Session(), entity_id, rows)
            return
        with model.meta.engine.begin() as connection:
            # Should the caller's own transaction hold the document after all, an error is better than waiting for oneself.
            connection.execute(text("SET LOCAL lock_timeout = '30s'"))
            yield connection, rows
        _await(rows)


def _as_text(documents: list[dict[str, Any]]) -> None:
    """Whoever names the fields gets package dicts as text."""
    for one in documents:
        if _VALIDATED in one:
            one[_VALIDATED] = one[_VALIDATED].decode("utf-8", "surrogatepass")


def _await(rows: list[int]) -> None:
    seconds = float(config.get("kzopen.search_wait") or 0)
    if rows and seconds > 0:
        waiting.acknowledgements(model.meta.engine).wait(rows, seconds)
