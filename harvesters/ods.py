"""A portal on Opendatasoft (now Huwise): catalogue and tables by its Explore API 2.1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import checksums, markdown, parts
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from pydantic import Field, SecretStr

SETS = "/api/explore/v2.1/catalog/datasets"
PAGE = 100
REACH = 10_000
"""The API gives a hundred data sets at once, and none beyond this place: `offset` and `limit` together are less."""
TYPES = {"int": "integer", "double": "number", "boolean": "boolean", "date": "date", "datetime": "datetime"}
"""Of the types that the API names; places, shapes, files and JSON stay text, as everything else does."""
COARSE = ("year", "month")
"""Precisions of a date that is no day; such columns stay text."""


class OdsSettings(Settings):
    """Where the portal is, and a key for what is not open to everybody."""

    address: Annotated[str, Field(pattern=r"^https?://"), Say("Порталдың мекенжайы", "Адрес портала", "Address of the portal")]
    key: Annotated[
        SecretStr | None,
        Say(
            "API кілті",
            "Ключ API",
            "API key",
            {
                "kk": "Кілтсіз жұртқа ашық деректер ғана оқылады.",
                "ru": "Без ключа читается только то, что открыто всем.",
                "en": "Without a key only what is open to everybody is read.",
            },
        ),
    ] = None


class Ods(Harvester[OdsSettings]):
    """A data set with a date has changed when anything that the catalogue says of it has; others are fetched and compared."""

    name = "ods"
    label = {"kk": "Opendatasoft порталы", "ru": "Портал на Opendatasoft", "en": "Opendatasoft portal"}  # noqa: RUF012
    settings_model = OdsSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """The catalogue by name to its empty page.

        Each page begins with the last data set of the page before; where it does not, some came or went meanwhile.
        """
        start, last, moved = cursor or (0, None, False)
        while True:
            begin = max(start - 1, 0)
            listed = self._listed(begin)
            found = listed["results"]
            names = [one.get("dataset_id") if isinstance(one, Mapping) else None for one in found]
            fresh = found[1:] if start > 0 and names[:1] == [last] else found
            moved = moved or (start > 0 and fresh is found)
            start, last = begin + len(found), names[-1] if names else last
            yield Page(parts.each(fresh, self._items), [start, last, moved], listed["total_count"], moved)
            if not fresh:
                return

    def _listed(self, begin: int) -> Mapping[str, Any]:
        asked = {"order_by": "dataset_id", "offset": begin, "limit": min(PAGE, REACH - 1 - begin)}
        found: Mapping[str, Any] = self.reach.json(f"{self._catalogue}?{urlencode(asked)}", self._headers())
        return found

    def _items(self, one: Mapping[str, Any]) -> Iterator[Found]:
        whose, told = parts.named(one.get("dataset_id"), "dataset_id"), one["metas"]["default"]
        data = {"told": told, "fields": one.get("fields") or [], "has_records": one.get("has_records", True)}
        is_dated = told.get("modified") or told.get("data_processed")
        yield Found(whose, checksums.digest(data) if is_dated else None, data)

    def describe(self, item: Found) -> Described:
        """What the catalogue says of it, in the language that it names; themes are among the keywords."""
        told = item.data["told"]
        language = told["language"] if told.get("language") in LANGUAGES else "ru"
        return Described(
            uri=item.guid,
            title={language: told.get("title") or ""},
            description={language: markdown.of_html(str(told.get("description") or ""))},
            keywords={language: [*(told.get("keyword") or []), *(told.get("theme") or [])]},
            responsible={"name": {language: told["publisher"]}} if told.get("publisher") else None,
            license=told.get("license"),
            schema={"fields": [_field(one, language) for one in item.data["fields"]]},
        )

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The whole table as CSV under the names of its columns; None where there are no records.

        Raises KzError harvest.fewer_rows_than_told.
        """
        if not item.data["has_records"]:
            return None
        asked = urlencode({"delimiter": ",", "use_labels": "false"})
        self.reach.download(f"{self._address(item)}/exports/csv?{asked}", into, self._headers())
        number = _rows(into)
        if number < int(item.data["told"].get("records_count") or 0) and number < (told := self._total(item)):
            raise KzError("harvest.fewer_rows_than_told", told=told, found=number)
        return Fetched("text/csv", f"{item.guid}.csv")

    def _total(self, item: Found) -> int:
        """How many rows whoever asks may see: those of the catalogue count what is kept from this key, too."""
        found = self.reach.json(f"{self._address(item)}/records?limit=0", self._headers())
        return int(found["total_count"])

    @property
    def _catalogue(self) -> str:
        return f"{self.settings.address.rstrip('/')}{SETS}"

    def _address(self, item: Found) -> str:
        return f"{self._catalogue}/{quote(item.guid, safe='')}"

    def _headers(self) -> dict[str, str]:
        key = self.settings.key
        return {"Authorization": f"Apikey {key.get_secret_value()}"} if key else {}


def _field(told: Mapping[str, Any], language: str) -> dict[str, Any]:
    is_coarse = (told.get("annotations") or {}).get("timeserie_precision") in COARSE
    field = {"name": told["name"], "type": "string" if is_coarse else TYPES.get(told["type"], "string")}
    labels = {"title": told.get("label"), "description": told.get("description")}
    return field | {f"{name}_translated": {language: text} for name, text in labels.items() if text}


def _rows(file: Path) -> int:
    """How many rows a CSV has without its header: ends of lines within quotes do not count, however long a cell is."""
    number, within = 0, False
    with file.open("rb") as lines:
        for line in lines:
            within ^= line.count(b'"') % 2 == 1
            number += not within
    return max(number - 1, 0)
