"""Is the index in step? For `status`, `/metrics` and `doctor`; nothing here loads CKAN."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.outbox import Executor
from ckanext.kzopen.search import store, topics
from ckanext.kzopen.search.engines.base import Reader
from sqlalchemy import text

_SHOWN = 5

_PACKAGES = text(
    """
    SELECT p.id AS missing, NULL AS orphan FROM package p
    WHERE (p.state <> 'deleted' OR :deleted_too)
      AND NOT EXISTS (SELECT FROM kzopen.search_document d WHERE d.entity_type = 'package' AND d.entity_id = p.id)
    UNION ALL
    SELECT NULL, d.entity_id FROM kzopen.search_document d
    WHERE d.entity_type = 'package' AND NOT EXISTS (SELECT FROM package p WHERE p.id = d.entity_id)
    """
)


@dataclass(frozen=True)
class Check:
    """What is out of step: keys of documents that the index lacks, has too many of, or has differently; ids of packages
    without a document, of documents without a package, and of packages whose document would come out differently today; the
    same for what other sections have registered (`kind:id`).
    """

    documents: int
    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    different: tuple[str, ...]
    packages_without_document: tuple[str, ...] = ()
    documents_without_package: tuple[str, ...] = ()
    stale_packages: tuple[str, ...] = ()
    things_without_document: tuple[str, ...] = ()
    documents_without_thing: tuple[str, ...] = ()
    stale_things: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is out of step."""
        return not any(values for _name, values in self.findings())

    def lasting(self, later: Check) -> Check:
        """What a later check finds, too: all else was on its way."""
        found = {name: {*values} for name, values in vars(self).items() if isinstance(values, tuple)}
        both: dict[str, Any] = {
            name: tuple(one for one in getattr(later, name) if one in known) for name, known in found.items()
        }
        return replace(later, **both)

    @property
    def keys(self) -> list[str]:
        """All documents that the index must take anew."""
        return sorted({*self.missing, *self.surplus, *self.different})

    def findings(self) -> list[tuple[str, tuple[str, ...]]]:
        """Each kind of difference with what it concerns."""
        return [
            ("documents that the index lacks", self.missing),
            ("documents that the index has and the database has not", self.surplus),
            ("documents that differ between index and database", self.different),
            ("packages without a document", self.packages_without_document),
            ("documents of packages that do not exist", self.documents_without_package),
            ("packages whose document is out of date", self.stale_packages),
            ("things of other sections without a document", self.things_without_document),
            ("documents of things that other sections do not have", self.documents_without_thing),
            ("things of other sections whose document is out of date", self.stale_things),
        ]

    def sentences(self) -> list[str]:
        """One line for each kind of difference."""
        return [f"{len(values)} {name}: {', '.join(values[:_SHOWN])}" for name, values in self.findings() if values]


def lag(connection: Executor) -> dict[str, Any]:
    """How far the index is behind: rows not yet indexed and the age of the oldest in seconds; `stale_…` the same for packages
    whose document must be computed anew.
    """
    index, stale = outbox.pending(connection, topics.INDEX), outbox.pending(connection, topics.RECOMPUTE)
    return {"rows": index.rows, "oldest": index.oldest, "stale_rows": stale.rows, "stale_oldest": stale.oldest}


def check(connection: Executor, reader: Reader, deleted_packages_too: bool = True) -> Check:
    """Compare the packages with the documents by id, and the documents with the index by hash; EngineError without an index.

    What changes at this moment may show up as a difference: look again before acting on it.
    """
    wanted, present = store.hashes(connection), reader.hashes()
    rows = connection.execute(_PACKAGES, {"deleted_too": deleted_packages_too}).all()
    return Check(
        documents=len(wanted),
        missing=tuple(sorted(wanted.keys() - present.keys())),
        surplus=tuple(sorted(present.keys() - wanted.keys())),
        different=tuple(sorted(key for key in wanted.keys() & present.keys() if wanted[key] != present[key])),
        packages_without_document=tuple(row.missing for row in rows if row.missing),
        documents_without_package=tuple(row.orphan for row in rows if row.orphan),
    )
