"""A portal like data.egov.kz: catalogue, passports (`/meta`) and tables (`/api/v4`; without a key `/api/detailed`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from pydantic import Field, SecretStr

TYPES = {"int": "integer", "integer": "integer", "boolean": "boolean"}
"""Of the types that `/meta` names; dates come in several notations and stay text, as everything else does."""
LANGUAGES = {"kk": "Kk", "ru": "Ru", "en": "En"}


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
        """The catalogue, published sets only."""
        page, seen = int(cursor or 1), 0
        chosen = {"byGovAgencyId": self.settings.agency} if self.settings.agency else {}
        total = int(self._json("/datasets/getdatasetsrecount", {"status": "PUBLISHED", **chosen})["totalCount"])
        while True:
            asked = {"status": "PUBLISHED", "page": page, "count": self.settings.page, **chosen}
            found = (self._json("/datasets/getdatasetsre", asked) or {}).get("datasets") or []
            if not found:
                return
            page, seen = page + 1, seen + len(found)
            yield Page([self._item(one) for one in found], page, total)
            if cursor is None and seen >= total:
                return

    def _item(self, one: Mapping[str, Any]) -> Found:
        kept = {name: one.get(name) for name in ("apiUri", "keyWords", "actualizeType")}
        kept["version"] = one.get("version") or one.get("currentVersion") or ""
        return Found(str(one["apiUri"]), str(one["modifiedDate"]) if one.get("modifiedDate") else None, kept)

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
        """The table, row after row: only the columns that the passport names, and never what the search engine adds."""
        names = list((self._meta(item).get("fields") or {}).keys())
        size = 0
        with into.open("wb") as file:
            for row in self._rows(item):
                kept = {name: row.get(name) for name in names or row if names or not name.startswith("_")}
                size += file.write(json.dumps(kept, ensure_ascii=False, default=str).encode() + b"\n")
                if size > self.reach.limits.received:
                    raise KzError("client.too_large", limit=self.reach.limits.received)
        return Fetched("application/x-ndjson", f"{item.guid}.ndjson")

    def _rows(self, item: Found) -> Iterator[Mapping[str, Any]]:
        """All rows. Where the portal tells their number they end there; elsewhere, if its search engine numbers them, at an
        empty answer: a server may give fewer at once than asked for. After such an answer one row is asked for, since some
        refuse to look 10,000 rows ahead.

        Raises KzError harvest.fewer_rows_than_told, or harvest.loops when rows that were given come again as the next ones.
        """
        begin, told, before = 0, 0, None
        size = most = self.settings.rows
        while True:
            rows, total = self._some(item, begin, size)
            first = rows[0].get("_id") if rows else None
            if first is not None and first == before:
                raise KzError("harvest.loops", found=begin)
            yield from rows
            begin, told, before, short = begin + len(rows), total or told, first, len(rows) < size
            if not rows or (short and (begin >= told if told else first is None)):
                break
            most, size = (len(rows), 1) if short else (most, most)
        if begin < told:
            raise KzError("harvest.fewer_rows_than_told", told=told, found=begin)

    def _some(self, item: Found, begin: int, size: int) -> tuple[list[Mapping[str, Any]], int]:
        """At most `size` rows from `begin` on, and how many there are in all; 0 where that is not told, as with a key."""
        key = self.settings.key.get_secret_value() if self.settings.key else ""
        asked = {"source": json.dumps({"from": begin, "size": size})} | ({"apiKey": key} if key else {})
        found = self._json(f"/api/{'v4' if key else 'detailed'}/{self._place(item)}", asked)
        if isinstance(found, dict) and "error" in found:
            raise KzError("harvest.odd_list", problem=str(found["error"])[:200])
        return (found["data"], int(found["totalCount"])) if isinstance(found, dict) else (found or [], 0)

    def _meta(self, item: Found) -> Mapping[str, Any]:
        if self._known[0] != item.guid:
            self._known = (item.guid, self._json(f"/meta/{self._place(item)}", {}))
        return self._known[1]

    _known: tuple[str, Mapping[str, Any]] = ("", {})

    def _place(self, item: Found) -> str:
        version = item.data.get("version")
        return quote(item.guid) + (f"/{quote(str(version))}" if version else "")

    def _json(self, path: str, values: Mapping[str, Any]) -> Any:
        query = f"?{urlencode(values)}" if values else ""
        return self.reach.json(f"{self.settings.address.rstrip('/')}{path}{query}")


def _words(told: Mapping[str, Any], name: str) -> dict[str, str]:
    return {language: str(told.get(f"{name}{ending}") or "") for language, ending in LANGUAGES.items()}


def _field(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    labels = {language: told[f"label{ending}"] for language, ending in LANGUAGES.items() if told.get(f"label{ending}")}
    return {"name": name, "type": TYPES.get(str(told.get("type", "")).lower(), "string"), "title_translated": labels}
