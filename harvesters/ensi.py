"""Classifiers of a registry of reference data (ЕНСИ): codes with parents, names and days of validity, a table for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from ckanext.kzopen.publishing.harvest import parts, reference, steady
from ckanext.kzopen.publishing.harvest.describing import cleaned
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from ckanext.kzopen.publishing.harvest.paging import Paging, sheets
from ckanext.kzopen.publishing.harvest.steady import Reading
from pydantic import Field, SecretStr


class EnsiSettings(Settings):
    """Where the registry is. Its list is at `address`, the entries of a classifier at `address`/code/`entries`."""

    address: Annotated[
        str, Field(pattern=r"^https?://"), Say("Анықтамалар тізімі", "Список справочников", "List of the classifiers")
    ]
    entries: Annotated[str, Say("Жазбалардың жолы", "Путь к записям", "Path of the entries")] = "entries"
    page: Annotated[int, Field(ge=1, le=10_000), Say("Бет көлемі", "Размер страницы", "Size of a page")] = 1000
    key: Annotated[SecretStr | None, Say("API кілті", "Ключ API", "API key")] = None


class Ensi(Harvester[EnsiSettings]):
    """A classifier is an item, its version the mark by which a change is known."""

    name = "ensi"
    label = {"kk": "ЕНСИ анықтамалары", "ru": "Справочники ЕНСИ", "en": "Classifiers (ENSI)"}  # noqa: RUF012
    settings_model = EnsiSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """All classifiers: code, names, version."""
        items = parts.each(self._listed(), _items)
        yield Page(items, total=len(items))

    def _listed(self) -> list[dict[str, Any]]:
        return list(self.reach.json(self.settings.address, self._headers()))

    def describe(self, item: Found) -> Described:
        """A reference table: its columns are the same for all classifiers."""
        return Described(
            uri=f"ref-{item.guid}",
            title={language: item.data.get(f"name_{language}") or "" for language in ("kk", "ru", "en")},
            description={language: item.data.get(f"description_{language}") or "" for language in ("kk", "ru")},
            schema=reference.SCHEMA,
        )

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The entries, checked as a hierarchy, all of one version of the classifier.

        Raises KzError harvest.table_changes when it gets another one in each reading.
        """
        base = urlsplit(self.settings.address)
        address = f"{base.scheme}://{base.netloc}{base.path.rstrip('/')}/{quote(item.guid)}/{self.settings.entries}"
        paging = Paging("offset", "offset", "limit", self.settings.page)
        version = item.hash

        def entries(reading: Reading) -> Iterator[reference.Entry]:
            for sheet in sheets(self.reach, address, paging, list, self._headers()):
                if sheet.records:
                    reading.answer()
                yield from map(entry, sheet.records)

        def once(reading: Reading) -> None:
            reading.tell(version=version)
            reference.write(entries(reading), into, self.reach.limits.unpacked)

        def ask(reading: Reading) -> None:
            nonlocal version
            listed = next((one for one in self._listed() if _code(one) == item.guid), None)
            version = None if listed is None else _version(listed)
            reading.tell(version=version)
            if listed is None:
                reading.changed = "version"

        steady.read(self.reach, once, ask)
        return Fetched("application/x-ndjson", f"{item.guid}.ndjson")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self.settings.key.get_secret_value()} if self.settings.key else {}


def _items(one: Mapping[str, Any]) -> Iterator[Found]:
    kept = ("code", "name_kk", "name_ru", "name_en", "description_ru", "description_kk")
    yield Found(parts.named(one.get("code"), "code"), _version(one), {name: one.get(name) for name in kept})


def _code(one: Any) -> str:
    return cleaned(str(one.get("code"))) if isinstance(one, Mapping) else ""


def _version(one: Mapping[str, Any]) -> str | None:
    return None if one.get("version") is None else str(one["version"])


def entry(one: Mapping[str, Any]) -> reference.Entry:
    """An entry as the registry tells it."""
    return reference.Entry(
        code=str(one["code"]),
        parent=str(one.get("parent") or ""),
        name_kk=str(one.get("name_kk") or ""),
        name_ru=str(one.get("name_ru") or ""),
        name_en=str(one.get("name_en") or ""),
        valid_from=reference.day(one.get("valid_from")) or reference.BEGINNING,
        valid_until=reference.day(one.get("valid_until")),
    )
