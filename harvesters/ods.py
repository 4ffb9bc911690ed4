"""Portals on Opendatasoft by their Explore API 2.1, which lists the first 10,000 data sets and exports whole tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from ckanext.kzopen.publishing.harvest.checksums import digest
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from pydantic import Field

SETS = "/api/explore/v2.1/catalog/datasets"
TYPES = {"int": "integer", "double": "number", "boolean": "boolean", "date": "date", "datetime": "datetime"}


class OdsSettings(Settings):
    """Where the portal is."""

    address: Annotated[str, Field(pattern=r"^https?://"), Say("Порталдың мекенжайы", "Адрес портала", "Address of the portal")]


class Ods(Harvester[OdsSettings]):
    """A data set with a date of change has changed when anything that the catalogue says of it has."""

    name, settings_model = "ods", OdsSettings
    label = {"kk": "Opendatasoft порталы", "ru": "Портал на Opendatasoft", "en": "Opendatasoft portal"}  # noqa: RUF012

    def discover(self, cursor: Any) -> Iterator[Page]:
        """A hundred at once, each time from the last one on: where that is another now, the list has changed meanwhile."""
        more, (begin, last, moved) = True, cursor or (0, None, False)
        while more:
            asked = f"{SETS}?order_by=dataset_id&limit={min(100, 10_000 - begin)}&offset={begin}"
            listed = self.reach.json(self.settings.address.rstrip("/") + asked)
            sets = [(one["dataset_id"], one["metas"]["default"].get("modified"), one) for one in listed["results"]]
            moved, more = moved or (last is not None and last not in [name for name, *_ in sets[:1]]), len(sets) > 1
            begin, last = begin + max(len(sets) - 1, 0), sets[-1][0] if sets else last
            found = [Found(name, digest(one) if date else None, one) for name, date, one in sets]
            yield Page(found, [begin, last, moved], listed["total_count"], moved)

    def describe(self, item: Found) -> Described:
        """What the catalogue says of it, in the language that it names; themes are among the keywords."""
        told = item.data["metas"]["default"]
        language = {"kk": "kk", "en": "en"}.get(told.get("language"), "ru")
        name, text = ({language: told.get(one) or ""} for one in ("title", "description"))
        words, who = {language: [*(told.get("keyword") or []), *(told.get("theme") or [])]}, {"name": told.get("publisher")}
        fields = [
            {"name": one["name"], "type": TYPES.get(one["type"], "string"), "title": one.get("label")}
            | {"description": one.get("description")}
            for one in item.data["fields"]
        ]
        return Described(item.guid, name, text, words, responsible=who, license=told.get("license"), schema={"fields": fields})

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The whole table as CSV, under the names of its columns; None where there are no records."""
        if not item.data.get("has_records", True):
            return None
        address = f"{self.settings.address.rstrip('/')}{SETS}/{quote(item.guid, safe='')}/exports/csv"
        self.reach.download(f"{address}?delimiter=%2C&use_labels=false", into)
        return Fetched("text/csv", f"{item.guid}.csv")
