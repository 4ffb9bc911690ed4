"""A portal like data.egov.kz: its catalogue, its passports (`/meta`) and its tables (`/api/v4`, needs a key)."""

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
    """Where the portal is, whose data sets are wanted, and the key of its API."""

    address: Annotated[str, Field(pattern=r"^https?://"), Say("Порталдың мекенжайы", "Адрес портала", "Address of the portal")]
    agency: Annotated[
        str,
        Say("Мемлекеттік органның нөмірі (govAgencyId)", "Номер органа (govAgencyId)", "Number of the agency (govAgencyId)"),
    ] = ""
    key: Annotated[SecretStr | None, Say("API кілті (apiKey)", "Ключ API (apiKey)", "API key (apiKey)")] = None
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
        """The table, row after row: only the columns that the passport names."""
        names = list((self._meta(item).get("fields") or {}).keys())
        begin = 0
        with into.open("w", encoding="utf-8") as file:
            while rows := self._rows(item, begin):
                for row in rows:
                    kept = {name: row.get(name) for name in names} if names else row
                    file.write(json.dumps(kept, ensure_ascii=False, default=str) + "\n")
                begin += len(rows)
                if len(rows) < self.settings.rows:
                    break
        return Fetched("application/x-ndjson", f"{item.guid}.ndjson")

    def _rows(self, item: Found, begin: int) -> list[dict[str, Any]]:
        asked = {"source": json.dumps({"from": begin, "size": self.settings.rows})}
        if self.settings.key:
            asked["apiKey"] = self.settings.key.get_secret_value()
        found = self._json(f"/api/v4/{self._place(item)}", asked)
        if isinstance(found, dict) and "error" in found:
            raise KzError("harvest.odd_list", problem=str(found["error"])[:200])
        return found or []

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
