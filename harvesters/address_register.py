"""The address register of a portal like data.egov.kz: its units (`s_ats`) as a reference table with parents and validity."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import reference, steady
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from ckanext.kzopen.publishing.harvest.paging import Row, windows
from ckanext.kzopen.publishing.harvest.reach import TEMPORARY, UNTOLD
from ckanext.kzopen.publishing.harvest.steady import Reading
from pydantic import Field, SecretStr


class AddressSettings(Settings):
    """Where the register is and under which name its units are kept."""

    address: Annotated[str, Field(pattern=r"^https?://"), Say("Порталдың мекенжайы", "Адрес портала", "Address of the portal")]
    table: Annotated[str, Say("Тіркелім атауы", "Имя регистра", "Name of the register")] = "s_ats"
    key: Annotated[SecretStr | None, Say("API кілті (apiKey)", "Ключ API (apiKey)", "API key (apiKey)")] = None
    rows: Annotated[int, Field(ge=1, le=10_000), Say("Бір сұраудағы жол саны", "Строк в запросе", "Rows a request")] = 5000


class AddressRegister(Harvester[AddressSettings]):
    """One table. A unit's code is its `rco`; one that is no longer `actual` ends on the day of its last change."""

    name = "address_register"
    label = {"kk": "Мекенжай тіркелімі", "ru": "Адресный регистр", "en": "Address register"}  # noqa: RUF012
    settings_model = AddressSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """The register. It has no mark, as no question tells of a unit that was taken away: what it gives is compared."""
        yield Page([Found(self.settings.table)], total=1)

    def describe(self, item: Found) -> Described:
        """A reference table of units."""
        return Described(
            uri=f"ref-{item.guid.replace('_', '-')}",
            title={"kk": "Мекенжай тіркелімі", "ru": "Адресный регистр", "en": "Address register"},
            description={
                "kk": "Әкімшілік-аумақтық бірліктер: коды, жоғарғы бірлігі, қолданылу мерзімі.",
                "ru": "Административно-территориальные единицы: код, единица выше, срок действия.",
            },
            category="geography",
            schema=reference.SCHEMA,
        )

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """All units as they were at one moment; parents are named by the register's numbers and become codes.

        Raises KzError harvest.table_changes when the register is changed in each reading.
        """
        signs = self._signs()

        def once(reading: Reading) -> None:
            reading.tell(**signs)

            def some(begin: int, size: int) -> tuple[list[Row], int]:
                rows = self._some(begin, size)
                if rows:
                    reading.answer()
                return rows, 0

            units = list(windows(some, self.settings.rows, lambda unit: unit["id"]))
            codes = {str(unit["id"]): _code(unit) for unit in units}
            reference.write((entry(unit, codes) for unit in units), into, self.reach.limits.unpacked)

        def ask(reading: Reading) -> None:
            nonlocal signs
            signs = self._signs(signs)
            reading.tell(**signs)

        steady.read(self.reach, once, ask)
        return Fetched("application/x-ndjson", f"{item.guid}.ndjson")

    def _some(self, begin: int, size: int) -> list[Row]:
        found = self._json("/api/v4", {"from": begin, "size": size, "sort": [{"id": "asc"}]})
        if isinstance(found, dict):
            raise KzError("harvest.odd_list", problem=self.reach.told(str(found.get("error")))[:200])
        return found or []

    def _signs(self, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """When the register was changed, how many units it has, and the newest unit's date: what the portal does not tell, or
        fails to tell, is not known.

        Where it told it `before` and fails now, nobody knows whether the register was changed: raises that temporary error.
        """
        told = {name for name, sign in (before or {}).items() if sign is not None}
        last = self._told("/api/detailed", bool(told & {"total", "newest"}), {"size": 1, "sort": [{"modified": "desc"}]})
        newest = [unit.get("modified") for unit in last.get("data") or []]
        return {
            "changed": self._told("/meta", "changed" in told).get("modifiedDate"),
            "total": last.get("totalCount"),
            "newest": newest or None,
        }

    def _told(self, form: str, is_needed: bool, query: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        try:
            found = self._json(form, query)
        except KzError as error:
            if error.code not in UNTOLD and (is_needed or error.code not in TEMPORARY):
                raise
            return {}
        return found if isinstance(found, dict) else {}

    def _json(self, form: str, query: Mapping[str, Any] | None = None) -> Any:
        asked = {"source": json.dumps(query)} if query else {}
        if query and self.settings.key:
            asked["apiKey"] = self.settings.key.get_secret_value()
        base = self.settings.address.rstrip("/")
        return self.reach.json(f"{base}{form}/{self.settings.table}/data{'?' if asked else ''}{urlencode(asked)}")


def _code(unit: Mapping[str, Any]) -> str:
    return str(unit.get("rco") or unit["id"])


def entry(unit: Mapping[str, Any], codes: Mapping[str, str]) -> reference.Entry:
    """A unit of the register; one whose parent the register does not give stands at the top."""
    actual = str(unit.get("actual", "true")).lower() in ("true", "1", "да")
    changed = reference.day(unit.get("modified"))
    return reference.Entry(
        code=_code(unit),
        parent=codes.get(str(unit.get("parent_id") or ""), ""),
        name_kk=str(unit.get("name_kaz") or ""),
        name_ru=str(unit.get("name_rus") or ""),
        valid_until="" if actual else changed,
        kato=str(unit.get("cato") or ""),
    )
