"""A kind for a catalogue of files behind a key, read from a place on; tables without a file come in pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from ckanext.kzopen.publishing.harvest import checksums, lines
from ckanext.kzopen.publishing.harvest.kinds import (
    NAMES_OF_LANGUAGES,
    Described,
    Fetched,
    Found,
    Harvester,
    Page,
    Say,
    Settings,
)
from ckanext.kzopen.publishing.harvest.paging import Paging, sheets
from pydantic import Field, SecretStr


class ArchiveSettings(Settings):
    """Where the archive's API is, its key, and the language of its texts."""

    address: Annotated[str, Field(pattern=r"^https?://"), Say("API мекенжайы", "Адрес API", "Address of the API")]
    key: Annotated[SecretStr | None, Say("API кілті", "Ключ API", "API key")] = None
    language: Annotated[
        Literal["kk", "ru", "en"],
        Say("Мәтіндердің тілі", "Язык текстов", "Language of the texts", choices=NAMES_OF_LANGUAGES),
    ] = "ru"


class Archive(Harvester[ArchiveSettings]):
    """Each table of the archive is a data set; it has changed when anything that the list says of it has."""

    name = "archive"
    label = {"kk": "Мұрағат", "ru": "Архив", "en": "Archive"}  # noqa: RUF012
    settings_model = ArchiveSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """As many tables at once as the server likes; `count` tells how many there are in all."""
        address, way = f"{self.settings.address}/tables", Paging("offset", "from", total_of=lambda document: document["count"])
        for sheet in sheets(self.reach, address, way, lambda document: document["tables"], self._key(), cursor):
            found = [Found(str(one["id"]), checksums.digest(one), one) for one in sheet.records]
            yield Page(found, sheet.cursor, sheet.document["count"])

    def describe(self, item: Found) -> Described:
        """What the list says, in the language of the settings."""
        language = self.settings.language
        fields = [
            {"name": one["name"], "type": one["type"], "title_translated": {language: one["title"]}}
            for one in item.data["columns"]
        ]
        return Described(item.data["name"], {language: item.data["title"]}, schema={"fields": fields})

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The file that the list names, else rows by page."""
        if url := item.data.get("file"):
            answer = self.reach.download(url, into, self._key())
            return Fetched(answer.headers.get("content-type"), url.rsplit("/", 1)[-1])
        address = f"{self.settings.address}/tables/{quote(item.guid, safe='')}/rows"
        pages = sheets(self.reach, address, Paging("page"), lambda document: document["rows"], self._key())
        lines.write((row for page in pages for row in page.records), into, self.reach.limits.unpacked)
        return Fetched("application/x-ndjson", f"{item.guid}.ndjson")

    def _key(self) -> dict[str, str]:
        key = self.settings.key
        return {"X-Key": key.get_secret_value()} if key else {}
