"""The names in CKAN that are replaced, since CKAN 2.12 has no interface for search engines.

CKAN reads all of them as module attributes, after plugins have had `update_config`. With `solr://…` as the address of the
search nothing is replaced.
"""

from __future__ import annotations

import logging
from typing import Any

import ckan.lib.search as search
from ckan.cli.search_index import rebuild_fast
from ckan.common import config
from ckan.lib.search import common, index, query
from ckan.logic.action import get
from ckanext.kzopen.search import connection, listeners, rebuild
from ckanext.kzopen.search.ckan_index import PackageSearchIndex
from ckanext.kzopen.search.ckan_query import PackageSearchQuery
from ckanext.kzopen.search.connection import Connection
from ckanext.kzopen.search.engines.base import EngineError
from ckanext.kzopen.search.quick_json import Quick
from flask import Flask

log = logging.getLogger(__name__)
_check_of_ckan = search.check_solr_schema_version
_state = {"active": False}


def active() -> bool:
    """Whether CKAN searches through us."""
    return _state["active"]


def is_ours(search_url: str) -> bool:
    """Whether this address of a search engine is for us; `solr://` leaves CKAN's own search alone."""
    return not search_url.startswith("solr")


def replace() -> None:
    """Put our classes where CKAN looks for its own; again and again is harmless."""
    _state["active"] = is_ours(str(config.get("kzopen.search_url") or ""))
    if not active():
        return
    search._INDICES["package"] = PackageSearchIndex
    search._QUERIES["package"] = PackageSearchQuery
    replaced: dict[str, Any] = {
        "PackageSearchIndex": PackageSearchIndex,
        "PackageSearchQuery": PackageSearchQuery,
        "make_connection": make_connection,
        "is_available": is_available,
        "check_solr_schema_version": check_solr_schema_version,
        "rebuild": rebuild.rebuild,
    }
    for module in (search, common, index, query):
        for name, ours in replaced.items():
            if hasattr(module, name):
                setattr(module, name, ours)
    _quicken(vars(get))
    rebuild_fast.callback = rebuild.rebuild_fast
    listeners.attach()


def quicken_api(app: Flask) -> None:
    """The action API's answers; CKAN loads its views anew for every app, so the module is that of the registered function."""
    if active():
        _quicken(app.view_functions["api.action"].__globals__)


def _quicken(names: dict[str, Any]) -> None:
    if not isinstance(names["json"], Quick):
        names["json"] = Quick(names["json"])


def make_connection(decode_dates: bool = True) -> Connection:
    """In place of a connection to Solr."""
    return Connection(decode_dates)


def is_available() -> bool:
    """Whether the engine answers. Without it searches say so themselves, and everything else works."""
    try:
        connection.ask_for_nothing()
    except EngineError:
        log.warning("search does not answer", exc_info=True)
        return False
    return True


def check_solr_schema_version(schema_file: str | None = None) -> bool:
    """Our schema is our own; a file is checked as CKAN does."""
    return bool(_check_of_ckan(schema_file)) if schema_file else True
