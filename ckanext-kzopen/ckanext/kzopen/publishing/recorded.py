"""Where versions stand in the public record: the leaves that the publish path adds for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ckanext.kzopen.core.record.tables import Leaf
from ckanext.kzopen.rows.model import Version
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

NUMBER = Leaf.record["version"].as_integer()


@dataclass(frozen=True)
class Recorded:
    """The place of a leaf in the public record, from 0, and its hash in hexadecimal."""

    index: int
    sha256: str


def of_version(session: Session, version: Version) -> Recorded | None:
    """The leaf of a version; None when there is none, or its text was erased by order.

    Leaves of one data set stand in the order of its versions, so that of a new one is found at once.
    """
    row = session.execute(_leaves(version.package_id).where(version.number == NUMBER).limit(1)).first()
    return Recorded(row.place, row.hash.hex()) if row else None


def of_all(session: Session, package_id: str) -> dict[int, Recorded]:
    """The leaves of all versions of a data set, by the number of the version."""
    return {row.number: Recorded(row.place, row.hash.hex()) for row in session.execute(_leaves(package_id))}


def _leaves(package_id: str) -> Select[Any]:
    told = Leaf.kind == "version", Leaf.object_id == package_id, Leaf.index.is_not(None), Leaf.nonce.is_not(None)
    return select(NUMBER.label("number"), Leaf.index.label("place"), Leaf.hash).where(*told).order_by(Leaf.index.desc())
