"""CKAN's query class over our engine.

CKAN's own `run` is kept, and with it all that it refuses; it reaches our engine through the replaced `make_connection`.
"""

from __future__ import annotations

from typing import Any

import ckan.model as model
from ckan.common import config
from ckan.lib.search.common import SearchError
from ckan.lib.search.query import PackageSearchQuery as CkanPackageSearchQuery
from ckanext.kzopen.search import connection, store
from ckanext.kzopen.search.visibility import seen_by

HINT = "search_hint"


class PackageSearchQuery(CkanPackageSearchQuery):
    """Labels go to the engine as data; a package's document comes from PostgreSQL, never from the engine."""

    def run(self, query: dict[str, Any], permission_labels: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        """Search as CKAN describes it; `permission_labels` None sees everything.

        What the words were taken for when nothing holds them stands in the query afterwards: CKAN hands that on to
        `after_dataset_search`, and nothing else of ours.
        """
        query.pop(HINT, None)
        with seen_by(permission_labels), connection.hinted() as hint:
            found = super().run(query, permission_labels=None, **kwargs)
        if hint:
            query[HINT] = hint
        return found

    __call__ = run

    def get_index(self, reference: str) -> dict[str, Any]:
        """The document of a package by id or name, as the caller's transaction has it; SearchError if there is none."""
        # Core passes a row of a result here (bulk updates) as well as an id or a name.
        wanted = reference if isinstance(reference, str) else str(reference[0])
        found = store.get(model.Session, str(config.get("ckan.site_id")), "package", wanted)
        if found is None:
            raise SearchError(f"Dataset not found in the search index: {reference}")
        return found
