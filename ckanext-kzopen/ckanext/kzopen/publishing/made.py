"""A version that a delivery has made: its file is there, and what tells of it is written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ckanext.kzopen.core import outbox, record
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.rows import folding
from ckanext.kzopen.rows import model as versions
from sqlalchemy.orm import Session

# pyarrow and polars stay out of the web processes, which only defer this work.
if TYPE_CHECKING:
    from ckanext.kzopen.rows.changes import Changed
    from ckanext.kzopen.rows.diff import Difference
    from ckanext.kzopen.rows.store import StoredVersion
    from ckanext.kzopen.validation.check import Checked


@dataclass(frozen=True)
class Made:
    """A new version before it is published: its number, its file, what it changes.

    `sha256` is that of the version; of one that is a change of the version `base`, its file (`stored`) has another.
    """

    number: int
    stored: StoredVersion
    difference: Difference
    base: int | None
    rows: int
    sha256: str
    changed: Changed | None = None

    @property
    def parent(self) -> int | None:
        """The version of which this one is a change; None when it is stored whole."""
        return self.base if self.changed else None


def accepted(delivery: Delivery, checked: Checked, made: Made, now: datetime) -> dict[str, Any]:
    """What a delivery tells once it made a version."""
    difference = made.difference
    return {
        "version": made.number,
        "report": checked.report.stored(),
        "rows": checked.report.rows,
        "wrong": 0,
        "added": difference.added,
        "changed": difference.changed,
        "unchanged": difference.unchanged,
        "removed": difference.removed,
        "checked": delivery.checked or now,
        "finished": now,
        "error": None,
    }


def keep(session: Session, several: Sequence[tuple[Delivery, Passport, Made]], now: datetime) -> None:
    """The versions that deliveries made, with their files, leaves of the public record, and rows of the outbox."""
    for delivery, passport, made in several:
        session.add(_version_row(delivery, passport, made))
        versions.add_file(session, passport.package_id, made.parent, made.number, made.stored)
        if made.parent is not None or made.rows >= folding.DERIVED_ROWS:
            folding.defer(session, passport.package_id)
    told = [("version", passport.package_id, _told(passport, delivery, made)) for delivery, passport, made in several]
    record.append_all(session, told, at=now)
    news = [(passport.package_id, {"uri": passport.uri, "version": made.number}) for _, passport, made in several]
    outbox.emit_all(session, [("version.created", package_id, payload) for package_id, payload in news])


def _told(passport: Passport, delivery: Delivery, made: Made) -> dict[str, Any]:
    """What the public record tells of a version: enough to recognise its file for ever."""
    stored = {"sha256": made.sha256, "size": made.stored.size, "rows": made.rows}
    return {"uri": passport.uri, "version": made.number, "delivery": str(delivery.id)} | stored


def _version_row(delivery: Delivery, passport: Passport, made: Made) -> versions.Version:
    return versions.Version(
        package_id=passport.package_id,
        resource_id=passport.resource_id,
        uri=passport.uri,
        number=made.number,
        delivery_id=str(delivery.id),
        path=made.stored.path,
        sha256=made.sha256,
        size=made.stored.size,
        rows=made.rows,
        schema=passport.schema,
        parent=made.parent,
        change_sha256=made.stored.sha256 if made.changed else None,
        difference=made.difference.to_dict(),
    )
