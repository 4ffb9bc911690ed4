"""A portal like data.egov.kz: catalogue, passports (`/meta`) and tables (`/api/v4`; without a key `/api/detailed`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import lines, parts, steady
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from ckanext.kzopen.publishing.harvest.paging import Row, windows
from ckanext.kzopen.publishing.harvest.reach import UNTOLD
from ckanext.kzopen.publishing.harvest.steady import Reading
from pydantic import Field, SecretStr

TYPES = {"int": "integer", "integer": "integer", "boolean": "boolean"}
"""Of the types that `/meta` names; dates come in several notations and stay text, as everything else does."""
LANGUAGES = {"kk": "Kk", "ru": "Ru", "en": "En"}
ORDER = {"datasetSortSelect": "createdDateDesc"}


class EgovSettings(Settings):
    """Where the portal is, whose data sets are wanted, and the key of its API, where there is one."""

    address: Annotated[str, Field(pattern=r"^https?://"), Say("Порталдың мекенжайы", "Адрес портала", "Address of the portal")]
    agency: Annotated[
        str,
        Say("Мемлекеттік органның нөмірі (govAgencyId)", "Номер органа (govAgencyId)", "Number of the agency (govAgencyId)"),
    ] = ""
    key: Annotated[
        SecretStr | None,
        Say(
            "API кілті (apiKey)",
            "Ключ API (apiKey)",
            "API key (apiKey)",
            {
                "kk": "Кілтсіз кестелер ашық /api/detailed арқылы оқылады.",
                "ru": "Без ключа таблицы читаются через открытый /api/detailed.",
                "en": "Without a key tables are read from the open /api/detailed.",
            },
        ),
    ] = None
    page: Annotated[
        int, Field(ge=1, le=1000), Say("Каталог бетінің көлемі", "Размер страницы каталога", "Page of the catalogue")
    ] = 10
    rows: Annotated[
        int, Field(ge=1, le=10_000), Say("Бір сұраудағы жол саны", "Строк в одном запросе", "Rows in one request")
    ] = 5000


class Egov(Harvester[EgovSettings]):
    """The server gives ten data sets a page whatever is asked for; an empty answer (204) is the end of a table."""

    name = "egov"
    label = {"kk": "data.egov.kz сияқты портал", "ru": "Портал вида data.egov.kz", "en": "Portal like data.egov.kz"}  # noqa: RUF012
    settings_model = EgovSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """The catalogue to its empty page, published sets only, the newest first: one that comes meanwhile takes no place in
        the pages that are still to be read. Their number is asked for before and after, as it tells whether one was skipped.
        """
        page, total = int(cursor or 1), self._total()
        while found := self._catalogue("getdatasetsre", page=page, count=self.settings.page, **ORDER).get("datasets"):
            page += 1
            yield Page(parts.each(found, self._items), page, total)
        yield Page([], page, self._total())

    def _total(self) -> int:
        return int(self._catalogue("getdatasetsrecount")["totalCount"])

    def _catalogue(self, name: str, **asked: Any) -> Mapping[str, Any]:
        chosen = {"byGovAgencyId": self.settings.agency} if self.settings.agency else {}
        return self._json(f"/datasets/{name}", {"status": "PUBLISHED", **asked, **chosen}) or {}

    def _items(self, one: Mapping[str, Any]) -> Iterator[Found]:
        kept = {name: one.get(name) for name in ("apiUri", "keyWords", "actualizeType", "version")}
        changed = str(one["modifiedDate"]) if one.get("modifiedDate") else None
        yield Found(parts.named(one.get("apiUri"), "apiUri"), changed, kept)

    def describe(self, item: Found) -> Described:
        """The passport that `/meta` gives."""
        meta = self._meta(item)
        responsible = meta.get("responsible") or {}
        words = item.data.get("keyWords") or meta.get("keywords") or []
        keywords = words if isinstance(words, list) else [word.strip() for word in str(words).split(",")]
        return Described(
            uri=item.guid,
            title=_words(meta, "name"),
            description=_words(meta, "description"),
            keywords={"ru": [str(word) for word in keywords]},
            periodicity=item.data.get("actualizeType"),
            responsible={"name": _words(responsible, "fullname"), "email": responsible.get("email")} if responsible else None,
            schema={"fields": [_field(name, told) for name, told in meta["fields"].items()]} if meta.get("fields") else None,
        )

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The table as it was at one moment, by its version, the `modifiedDate` of its passport and its number of rows, where
        they are told.

        Raises KzError harvest.table_changes when it is changed in each reading, or gets other columns.
        """
        described = self._meta(item).get("fields")

        def once(reading: Reading) -> None:
            self._tell(item, reading)
            self._write(item, into, reading)

        def ask(reading: Reading) -> None:
            self._known = ("", {})
            self._tell(item, reading)
            if self._meta(item).get("fields") != described:
                raise steady.changes("columns")  # the next run describes its new columns

        steady.read(self.reach, once, ask)
        return Fetched("application/x-ndjson", f"{item.guid}.ndjson")

    def _tell(self, item: Found, reading: Reading) -> None:
        """As the passport has it that was read last."""
        changed = self._meta(item).get("modifiedDate")
        reading.tell(version=self._version, changed=changed)

    def _write(self, item: Found, into: Path, reading: Reading) -> None:
        """Row after row, only the columns that the passport names and never what the search engine adds."""
        names = list((self._meta(item).get("fields") or {}).keys())
        order = {"sort": [{"id": "asc"}]} if "id" in names else {}

        def some(begin: int, size: int) -> tuple[list[Row], int]:
            rows, total = self._some(item, {"from": begin, "size": size, **order})
            if rows:
                reading.answer(total=total)
            return rows, total

        found = windows(some, self.settings.rows, lambda row: row.get("_id"))
        kept = ({name: row.get(name) for name in names or row if names or not name.startswith("_")} for row in found)
        lines.write(kept, into, self.reach.limits.unpacked)

    def _some(self, item: Found, query: Mapping[str, Any]) -> tuple[list[Row], int]:
        """Rows that answer a query, and how many there are in all; 0 where that is not told, as with a key."""
        key = self.settings.key.get_secret_value() if self.settings.key else ""
        asked = {"source": json.dumps(query)} | ({"apiKey": key} if key else {})
        found = self._json(f"/api/{'v4' if key else 'detailed'}/{self._place(item)}", asked)
        if isinstance(found, dict) and "error" in found:
            raise KzError("harvest.odd_list", problem=self.reach.told(str(found["error"]))[:200])
        return (found["data"], int(found["totalCount"])) if isinstance(found, dict) else (found or [], 0)

    def _meta(self, item: Found) -> Mapping[str, Any]:
        if self._known[0] != item.guid:
            self._version = str(item.data.get("version") or self._newest(item))
            self._known = (item.guid, self._json(f"/meta/{self._place(item)}", {}))
        return self._known[1]

    _known: tuple[str, Mapping[str, Any]] = ("", {})
    _version = ""

    def _newest(self, item: Found) -> str:
        """The version of a data set that counts: `data`, as large registers have it, else the highest number (`v302`), out of
        those that its mapping names; "" where the portal tells of none."""
        try:
            told = self._json(f"/api/v4/mapping/{quote(item.guid)}", {})
        except KzError as error:
            if error.code not in UNTOLD:
                raise
            return ""
        versions = [version for index in (told or {}).values() for version in index["mappings"]]
        return max(versions, key=_age, default="")

    def _place(self, item: Found) -> str:
        return quote(item.guid) + (f"/{quote(self._version)}" if self._version else "")

    def _json(self, path: str, values: Mapping[str, Any]) -> Any:
        query = f"?{urlencode(values)}" if values else ""
        return self.reach.json(f"{self.settings.address.rstrip('/')}{path}{query}")


def _words(told: Mapping[str, Any], name: str) -> dict[str, str]:
    return {language: str(told.get(f"{name}{ending}") or "") for language, ending in LANGUAGES.items()}


def _field(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    labels = {language: told[f"label{ending}"] for language, ending in LANGUAGES.items() if told.get(f"label{ending}")}
    return {"name": name, "type": TYPES.get(str(told.get("type", "")).lower(), "string"), "title_translated": labels}


def _age(version: str) -> tuple[bool, int]:
    return version == "data", int(version[1:]) if version[1:].isdecimal() else -1
