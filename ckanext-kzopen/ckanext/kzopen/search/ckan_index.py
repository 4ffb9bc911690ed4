"""CKAN's index class over the document table.

CKAN's own `index_package` builds the document and asks plugins; only where it is written is ours.
"""

from __future__ import annotations

from typing import Any

import ckan.model as model
from ckan.lib.search.index import PackageSearchIndex as CkanPackageSearchIndex
from ckanext.kzopen.core.people import activity_at_once
from ckanext.kzopen.search import changes
from ckanext.kzopen.search.connection import Connection, callers_transaction


class PackageSearchIndex(CkanPackageSearchIndex):
    """`insert_dict`, `update_dict` and `remove_dict` write in the caller's transaction; all else is committed and awaited."""

    def insert_dict(self, data: dict[str, Any]) -> None:
        """Write the document of a package that CKAN's action has made, and its activity, beside the package itself."""
        self.update_dict(data)
        activity_at_once.write(data["with_custom_schema"])

    def update_dict(self, pkg_dict: dict[str, Any], defer_commit: bool = False) -> None:
        """Write the package's document beside the package itself; found after the caller's commit."""
        with callers_transaction():
            self.index_package(pkg_dict, defer_commit)
        changes.indexed(model.Session(), pkg_dict["id"])

    def remove_dict(self, pkg_dict: dict[str, Any]) -> None:
        """Remove the package's document in the caller's transaction."""
        with callers_transaction():
            self.delete_package(pkg_dict)

    def delete_package(self, pkg_dict: dict[str, Any]) -> None:
        """Remove by id; CKAN also passes a name here, and a row of a result."""
        reference = pkg_dict.get("id")
        if reference is not None:
            Connection().remove("package", reference if isinstance(reference, str) else str(reference[0]))

    def clear(self) -> None:
        """Remove the documents of all data sets of this site."""
        Connection().clear()

    def commit(self) -> None:
        """Nothing to do: see Connection.commit."""
