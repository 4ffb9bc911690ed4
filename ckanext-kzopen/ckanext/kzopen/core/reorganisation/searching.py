"""The tree of agencies narrowed to what a reader looks for: names now and formerly, short names, codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ckanext.kzopen.core.agencies.history import BEHIND
from ckanext.kzopen.core.agencies.model import NAMES, SHORT_NAMES, Agency, AgencyName, AnySession, today
from sqlalchemy import select, text

Shown = dict[str, Any]
_COLUMNS = [getattr(AgencyName, column) for column in (*NAMES, *SHORT_NAMES)]
_OF_OWNER = text(
    f"""
    {BEHIND} SELECT name_kk, name_ru, name_en, short_kk, short_ru, short_en
    FROM kzopen.agency_name JOIN behind ON agency = id WHERE since <= :today
    """  # noqa: S608 - a constant
)


def matching(session: AnySession, query: str) -> set[str]:
    """Ids of agencies in one of whose names, or codes, every word of the query occurs."""
    asked = query.casefold().split()
    return {agency for agency, told in texts(session) if all(word in told for word in asked)}


def texts(session: AnySession) -> list[tuple[str, str]]:
    """What each agency can be found by: a line for each of its names in each language, one for its codes."""
    found: list[tuple[str, str]] = []
    for agency, *names in session.execute(select(AgencyName.agency, *_COLUMNS)):
        half = len(NAMES)
        pairs = zip(names[:half], names[half:], strict=True)
        found += [(agency, " ".join(filter(None, pair)).casefold()) for pair in pairs if any(pair)]
    codes = select(Agency.id, Agency.bin, Agency.kato, Agency.address)
    return found + [(agency, " ".join(filter(None, told)).casefold()) for agency, *told in session.execute(codes)]


def words_of_owner(session: AnySession, owner: str) -> str:
    """All that the owner of a data set is and was called, in every language, and those that it succeeded: words to search."""
    rows = session.execute(_OF_OWNER, {"agency": owner, "today": today()})
    return " ".join(sorted({name for row in rows for name in row if name}))


def with_those_above(rows: Iterable[Mapping[str, Any]], found: set[str]) -> list[Shown]:
    """The rows of the tree that were found, and those above them, which are marked as not `found`."""
    rows = list(rows)
    parents = {row["id"]: row["parent"] for row in rows}
    shown = set[str]()
    for each in found:
        step: str | None = each
        while step is not None and step not in shown:
            shown.add(step)
            step = parents.get(step)
    return [{**row, "found": row["id"] in found} for row in rows if row["id"] in shown]
