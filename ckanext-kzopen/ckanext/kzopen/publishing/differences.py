"""What is different between any two versions of a table."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.rows.model import Version
from sqlalchemy.orm import Session

MOST_ROWS = 2_000_000
"""Rows of the two versions together that are compared while somebody waits for the answer."""


def between(session: Session, files_url: str, old: Version, new: Version) -> dict[str, Any]:
    """The difference by the newer schema's key: counts, and the first rows of each kind.

    Raises KzError publishing.too_many_rows_to_compare, or publishing.cannot_be_read for a version that was thinned away.
    """
    # Loaded here: most web processes never compare.
    from ckanext.kzopen.rows import chain, difference

    try:
        if old.rows + new.rows > MOST_ROWS and not difference.is_quick(session, old, new):
            raise KzError("publishing.too_many_rows_to_compare", most=MOST_ROWS)
        return dict(difference.between(session, files_url, old, new).to_dict())
    except chain.NoWay:
        raise KzError("publishing.cannot_be_read", number=f"{old.number}, {new.number}") from None
