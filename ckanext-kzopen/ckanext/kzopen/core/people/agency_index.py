"""Finds an agency by what people write in a table or a form: BIN, name in addresses, id, or full or short name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ckanext.kzopen.core.agencies.model import Agency
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import select


@dataclass(frozen=True)
class AgencyIndex:
    """Ids of the active agencies by every way of writing them; what could be two of them is none."""

    ids: Mapping[str, str | None]

    @classmethod
    def load(cls, session: AnySession) -> AgencyIndex:
        """All active agencies, by one query."""
        ids: dict[str, str | None] = {}
        for row in session.scalars(select(Agency).where(Agency.state == "active")):
            for text in {*_ways(row)}:
                ids[text] = row.id if ids.get(text, row.id) == row.id else None
        return cls(ids)

    def find(self, text: str) -> str | None:
        """The agency's id; None when there is none or more than one."""
        return self.ids.get(_plain(text))


def _ways(row: Agency) -> list[str]:
    names = [row.id, row.address, row.bin or "", *row.name.values(), *row.short.values()]
    return [_plain(text) for text in names if text]


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("«", '"').replace("»", '"').split())
