"""Another CKAN: its catalogue through the action API, its tables as files; a portal like this one gives its passports too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import parts
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from pydantic import Field, SecretStr

TABLES = ("csv", "tsv", "xlsx", "xls", "ods", "json", "ndjson", "parquet")
LISTED = "id,name,metadata_modified,res_format"


class CkanSettings(Settings):
    """Where the other CKAN is, and which of its data sets are wanted."""

    address: Annotated[
        str,
        Field(pattern=r"^https?://"),
        Say("Порталдың мекенжайы", "Адрес портала", "Address of the portal"),
    ]
    query: Annotated[
        str,
        Say(
            "Сүзгі (fq)",
            "Отбор (fq)",
            "Selection (fq)",
            {
                "kk": "CKAN сүзгісі, мысалы organization:minfin; бос болса – бәрі.",
                "ru": "Фильтр CKAN, например organization:minfin; пусто – всё.",
                "en": "A filter of CKAN, such as organization:minfin; empty = everything.",
            },
        ),
    ] = ""
    token: Annotated[SecretStr | None, Say("API токені", "Токен API", "API token")] = None
    page: Annotated[
        int,
        Field(ge=1, le=1000),
        Say("Бір сұраудағы деректер жиыны саны", "Наборов в одном запросе", "Data sets in one request"),
    ] = 1000
    trust_dates: Annotated[
        bool,
        Say(
            "Өзгеру күніне сену",
            "Доверять датам изменения",
            "Trust the dates of change",
            {
                "kk": "Жоқ болса, әр файл жаңа-жаңа тексеріледі (ETag арқылы).",
                "ru": "Если нет, каждый файл проверяется заново (по ETag).",
                "en": "If not, each file is asked for again (by its ETag).",
            },
        ),
    ] = True


class Ckan(Harvester[CkanSettings]):
    """One item is one table; a data set with several of them gives several items, one without a table is described only."""

    name = "ckan"
    label = {"kk": "Басқа CKAN порталы", "ru": "Другой портал CKAN", "en": "Another CKAN portal"}  # noqa: RUF012
    settings_model = CkanSettings
    _passports = True

    def discover(self, cursor: Any) -> Iterator[Page]:
        """The catalogue in the order in which it grew to its empty page, each data set with its date of change.

        Each page begins with the last data set of the page before; where it does not, some were taken away meanwhile. Further
        tables of a data set count as items, too.
        """
        start, last, further, moved = cursor if isinstance(cursor, list) else (0, None, 0, False)
        while True:
            found = self._listed(start - 1, 1) if start else self._listed(0, 0)
            packages = found["results"]
            if start and packages and _id(packages[0]) == last:
                packages = packages[1:]
            elif start:
                moved = True
            items = parts.each(packages, self._items)
            start, further = start + len(packages), further + len(items) - len(packages)
            last = _id(packages[-1]) if packages else last
            yield Page(items, [start, last, further, moved], None if packages else int(found["count"]) + further, moved)
            if not packages:
                return

    def _listed(self, start: int, more: int) -> Mapping[str, Any]:
        asked = {"start": start, "rows": self.settings.page + more, "fl": LISTED, "sort": "metadata_created asc, name asc"}
        return self._action("package_search", asked | ({"fq": self.settings.query} if self.settings.query else {}))

    def _items(self, package: Mapping[str, Any]) -> Iterator[Found]:
        whose = parts.named(package.get("id"), "id")
        formats = package.get("res_format") or [part.get("format") for part in package.get("resources") or []]
        tables: list[int | None] = [number for number, form in enumerate(formats) if str(form).lower() in TABLES]
        changed = package.get("metadata_modified") if self.settings.trust_dates else None
        mark = None if changed is None else str(changed)
        for place, number in enumerate(tables or [None]):
            guid = whose if place == 0 else f"{whose}/{number}"
            yield Found(guid, mark, {"id": whose, "name": package["name"], "resource": number, "place": place})

    def describe(self, item: Found) -> Described:
        """Its passport where the portal has one, else what CKAN knows."""
        name = item.data["name"] if item.data["place"] == 0 else f"{item.data['name']}-{item.data['place'] + 1}"
        passport = self._passport(item.data["name"]) if self._passports and item.data["place"] == 0 else None
        if passport is not None:
            given = ("title", "description", "keywords", "category", "periodicity", "responsible", "license", "schema")
            return Described(uri=name, **{field: passport[field] for field in given})
        package = self._package(item)
        return Described(
            uri=name,
            title=package.get("title_translated") or {"ru": package.get("title") or package["name"]},
            description=package.get("notes_translated") or {"ru": package.get("notes") or ""},
            keywords={"ru": [tag["name"] for tag in package.get("tags", [])]},
            license=package.get("license_id"),
        )

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The file of the table; a portal like this one is asked for it as programs want it."""
        if item.data["resource"] is None:
            return None
        if self._passports and item.data["place"] == 0 and (passport := self._passport(item.data["name"])):
            url = f"{passport['version']['links']['csv']}?raw=1" if passport["version"] else None
        else:
            url = self._package(item)["resources"][item.data["resource"]]["url"]
        if not url:
            return None
        answer = self.reach.download(url, into, self._headers())
        return Fetched(answer.headers.get("content-type"), url.split("?")[0].rsplit("/", 1)[-1])

    def _passport(self, name: str) -> Mapping[str, Any] | None:
        """What the universal API of a portal like this one tells; other portals have no such address, which is remembered."""
        if self._last[0] == name:
            return self._last[1]
        try:
            found = self.reach.json(f"{self._base}/api/universal/v1/datasets/{quote(name)}", self._headers())
        except KzError as error:
            if error.code not in ("harvest.not_there", "harvest.not_json", "harvest.not_let_in"):
                raise
            self._passports = False
            return None
        self._last = (name, found)
        return found

    _last: tuple[str, Mapping[str, Any] | None] = ("", None)

    def _package(self, item: Found) -> Mapping[str, Any]:
        """What the portal tells of a data set; asked once for its description and its table."""
        number = item.data["id"]
        if self._shown[0] != number:
            self._shown = (number, self._action("package_show", {"id": number}))
        return self._shown[1]

    _shown: tuple[str, Mapping[str, Any]] = ("", {})

    def _action(self, name: str, values: Mapping[str, Any]) -> Any:
        url = f"{self._base}/api/3/action/{name}?{urlencode(values)}"
        answer = self.reach.json(url, self._headers())
        if not answer.get("success"):
            raise KzError("harvest.odd_list", problem=self.reach.told(str(answer.get("error")))[:200])
        return answer["result"]

    @property
    def _base(self) -> str:
        return self.settings.address.rstrip("/")

    def _headers(self) -> dict[str, str]:
        token = self.settings.token
        return {"Authorization": token.get_secret_value()} if token else {}


def _id(package: Any) -> Any:
    return package.get("id") if isinstance(package, Mapping) else None
