"""A kind of source as a newcomer writes it: the catalogue of a library, read from its own API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from pydantic import Field


class LibrarySettings(Settings):
    """Where the library's API is."""

    address: Annotated[str, Field(pattern=r"^https?://"), Say("API мекенжайы", "Адрес API", "Address of the API")]


class Library(Harvester[LibrarySettings]):
    """Each hall of the library is a data set: its books."""

    name = "library"
    label = {"kk": "Кітапхана", "ru": "Библиотека", "en": "Library"}  # noqa: RUF012
    settings_model = LibrarySettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """Fifty halls a page; the API's `renewed` tells whether a hall has changed."""
        page = cursor or 1
        while halls := self.reach.json(f"{self.settings.address}/halls?page={page}"):
            page += 1
            yield Page([Found(hall["id"], hall["renewed"], hall) for hall in halls], page)

    def describe(self, item: Found) -> Described:
        """What the portal calls it."""
        return Described(uri=f"hall-{item.guid}", title={"kk": item.data["kk"], "ru": item.data["ru"]}, key=["isbn"])

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The books of the hall as lines of JSON."""
        books = self.reach.json(f"{self.settings.address}/halls/{quote(item.guid, safe='')}/books")
        into.write_text("\n".join(json.dumps(book, ensure_ascii=False, default=str) for book in books), encoding="utf-8")
        return Fetched("application/x-ndjson", f"{item.guid}.ndjson")
