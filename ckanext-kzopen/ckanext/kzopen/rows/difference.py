"""What changed between any two versions of a table."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from ckanext.kzopen.rows import chain, diff, reading, store
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.diff import Difference
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.reading import series
from ckanext.kzopen.rows.shapes import primary_key
from ckanext.kzopen.rows.store import PLACE
from sqlalchemy.orm import Session


def between(session: Session, files_url: str, old: Version, new: Version, samples: int = diff.SAMPLES) -> Difference:
    """From `old` to `new`, by the key of the newer one's schema; either may be the earlier one.

    Where only changes lie between them, nothing but the rows under the changed numbers is compared.
    """
    key = primary_key((new if new.number > old.number else old).schema)
    before, after = reading.table_of(session, files_url, old), reading.table_of(session, files_url, new)
    run = _run(session, old, new)
    if run is None or not key:
        return diff.compare(before, after, key, samples)
    places = _touched(files_url, [link.path for link in run], before.rows, after.rows)
    rows = [side.taken(places.filter(places <= side.rows).to_list()) for side in (before, after)]
    found = diff.compare(rows[0], rows[1], key, samples)
    return replace(found, unchanged=after.rows - found.added - found.changed)


def is_quick(session: Session, old: Version, new: Version) -> bool:
    """Whether only changes lie between the two, so that few rows are compared however large the tables are."""
    return bool(primary_key(new.schema)) and _run(session, old, new) is not None


def _run(session: Session, old: Version, new: Version) -> list[chain.Link] | None:
    earlier, later = sorted((old.number, new.number))
    return [] if earlier == later else chain.between(versions.links(session, new.package_id), earlier, later)


def _touched(files_url: str, paths: list[str], *rows: int) -> pl.Series:
    """The numbers under which the two may have other rows: those written to, and those that one of them does not have."""
    beyond = pl.int_range(min(rows) + 1, max(rows) + 1, eager=True)
    written = [series(store.read_version(files_url, path).column(PLACE)) for path in paths]
    return pl.concat([beyond, *written]).unique().sort()
