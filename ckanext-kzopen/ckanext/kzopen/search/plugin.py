"""Plugin `kzopen_search`: CKAN interfaces of search, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import click
from ckan.common import CKANConfig
from ckan.lib.search.common import SearchError, SearchQueryError
from ckanext.kzopen.core.web import errors
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.requests import answer
from ckanext.kzopen.search import cli, datasets, jobs, organisations, registry, seams, withdrawal
from ckanext.kzopen.search.ckan_query import HINT
from ckanext.kzopen.search.portal import api, saved, views
from flask import Blueprint, Flask, g, has_request_context

_HINTS = "kzopen_search_hints"

errors.load(Path(__file__).with_name("errors.yaml"))


class SearchPlugin(p.SingletonPlugin):
    """Search without Solr."""

    p.implements(p.IBlueprint)
    p.implements(p.IConfigurer)
    p.implements(p.IMiddleware, inherit=True)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.ITemplateHelpers)
    p.implements(p.IClick)

    jobs = (jobs.keep_up,)

    def update_config(self, config: CKANConfig) -> None:
        """CKAN checks its search right after this."""
        tk.add_template_directory(config, "templates")
        seams.replace()
        withdrawal.announce()
        saved.announce()
        for section in (datasets.SECTION, organisations.SECTION):
            registry.register(section)

    def make_middleware(self, app: Flask, config: Any) -> Flask:
        """Pages that search by the way, such as the list of organisations, do not catch CKAN's errors."""
        app.register_error_handler(SearchError, told)
        seams.quicken_api(app)
        return app

    def after_dataset_search(self, search_results: dict[str, Any], search_params: dict[str, Any]) -> dict[str, Any]:
        """`package_search` tells when what it gives does not hold the words as they were typed."""
        hint = search_params.pop(HINT, None)
        note_for_page(str(search_params.get("q") or ""), hint)
        return search_results | {HINT: hint} if hint else search_results

    def get_helpers(self) -> dict[str, Any]:
        """For the list of data sets."""
        return {"kz_search_hint": hint_of}

    def get_blueprint(self) -> list[Blueprint]:
        return [views.blueprint, api.blueprint] if seams.active() else []  # Solr holds data sets only

    def get_commands(self) -> list[click.Command]:
        """`ckan kzopen-search …`."""
        return [cli.kzopen_search]


def note_for_page(typed: str, hint: dict[str, str] | None) -> None:
    """Have the page of this request tell the hint of the last search for these words."""
    if has_request_context():
        hints: dict[str, dict[str, str] | None] = g.setdefault(_HINTS, {})
        hints[typed] = hint


def hint_of(typed: str | None) -> dict[str, str] | None:
    """How the words were taken in the search of this page; None when as they were typed."""
    hint: dict[str, str] | None = g.get(_HINTS, {}).get(typed or "")
    return hint


def told(error: SearchError) -> Any:
    """A search that failed, told in the reader's language."""
    if isinstance(error, SearchQueryError):
        return answer(KzError("search.not_understood", reason=str(error)))
    return answer(KzError("search.away"))
