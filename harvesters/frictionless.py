"""Data Packages (https://datapackage.org): each table of a `datapackage.json` is a data set, with the schema that it brings.

Read are versions 1 and 2 of the standard: addresses beside the package or absolute, tables in several parts, rows in the
descriptor itself, dialects, schemas that lie elsewhere. A list of packages is a JSON array of addresses, or a package whose
resources are packages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urljoin, urlsplit

from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.addresses import shown
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import checksums, dialect, lines
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
from ckanext.kzopen.publishing.harvest.parts import Parts
from pydantic import Field

PACKAGE = "datapackage.json"
TABLES = ("csv", "tsv", "xlsx", "xls", "ods", "json", "ndjson", "jsonl", "parquet")
UTF8 = ("utf-8", "utf8", "utf-8-sig")


class FrictionlessSettings(Settings):
    """Where the package is, and in which language it speaks."""

    address: Annotated[
        str,
        Field(pattern=r"^https?://"),
        Say(
            "datapackage.json мекенжайы",
            "Адрес datapackage.json",
            "Address of datapackage.json",
            {
                "kk": "Бірнеше пакет болса – олардың мекенжайлар тізімі бар JSON.",
                "ru": "Для нескольких пакетов – JSON со списком их адресов.",
                "en": "For several packages: JSON with the list of their addresses.",
            },
        ),
    ]
    language: Annotated[
        Literal["kk", "ru", "en"],
        Say(
            "Мәтіндердің тілі",
            "Язык текстов",
            "Language of the texts",
            choices=NAMES_OF_LANGUAGES,
        ),
    ] = "ru"


class Frictionless(Harvester[FrictionlessSettings]):
    """Whether a table has changed is told by its `hash` and all else that the package says; without a `hash` by its bytes."""

    name = "frictionless"
    label = {"kk": "Data Package", "ru": "Data Package", "en": "Data Package"}  # noqa: RUF012
    settings_model = FrictionlessSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """A page for each package that has tables or cannot be read; the cursor counts those that were gone through of the
        list with this digest."""
        addresses = list(self._packages())
        digest, odd = checksums.digest(addresses), _twice(map(shown, addresses))
        if odd:
            raise KzError("harvest.odd_list", problem=f"2 × {odd[0][:100]}")
        moved = cursor is not None and cursor["digest"] != digest
        done = cursor["done"] if cursor and not moved else 0
        found, parts = list[Found](), Parts(self.reach)
        for place, address in enumerate(addresses[done:], start=done + 1):
            found += self._read(address, parts)
            if found or place == len(addresses):
                yield Page(found, {"digest": digest, "done": place}, moved=moved)
                found = []

    def _packages(self) -> Iterator[str]:
        start = self.settings.address
        listed = self.reach.json(start)
        if isinstance(listed, list):
            found = [one.get("path") or one.get("url") if isinstance(one, Mapping) else one for one in listed]
        else:
            resources = _resources(listed)
            found = [one.get("path") for one in resources if _is_package(one)]
            if not found or any(map(_is_table, resources)):
                found = [start, *found]
        yield from dict.fromkeys(urljoin(start, str(one)) for one in found)

    def _read(self, address: str, parts: Parts) -> list[Found]:
        """Its tables. The package that the source names is the list; another one that cannot be read fails alone."""
        if address == self.settings.address:
            return self._tables(address)
        return parts.read(shown(address), lambda: self._tables(address))

    def _tables(self, address: str) -> list[Found]:
        package = self._object(address)
        resources = _resources(package)
        odd = _twice(one["name"] for one in resources)
        if address != self.settings.address:
            odd += [one["path"] for one in resources if _is_package(one)]  # one level of packages is read, no more
        if odd:
            raise KzError("harvest.odd_list", problem=f"{shown(address)}: {odd[0]}"[:200])
        tables = [one for one in resources if _is_table(one)]
        return [_found(address, package, one, alone=len(tables) == 1) for one in tables]

    def describe(self, item: Found) -> Described:
        """What the package and its resource say; the schema is fetched where it lies elsewhere."""
        package, resource = item.data["package"], item.data["resource"]
        titles = [self._texts(one.get("title") or one.get("name")) for one in (package, resource)]
        title = titles[1] if item.data["alone"] and resource.get("title") else titles[0]
        if not item.data["alone"]:
            title = {
                language: " – ".join(one.get(language) or _any(one) for one in titles) for language in titles[0] | titles[1]
            }
        who = next((one for one in package.get("contributors") or [] if one.get("title")), None)
        terms = (resource.get("licenses") or package.get("licenses") or [{}])[0]
        schema = self._schema(item.data["address"], resource)
        return Described(
            uri=_uri(package.get("name"), resource["name"], alone=item.data["alone"]),
            title=title,
            description=self._texts(resource.get("description") or package.get("description")),
            keywords={self.settings.language: list(map(str, package.get("keywords") or []))},
            responsible={"name": self._texts(who["title"]), "email": who.get("email")} if who else None,
            license=terms.get("name") or terms.get("title"),
            schema=schema,
        )

    def _texts(self, text: Any) -> dict[str, str]:
        """A text by language: a plain one is of the package's language, a translated one names them ("" is its own)."""
        if not isinstance(text, Mapping):
            return {self.settings.language: str(text)} if text else {}
        named = {str(language or self.settings.language)[:2]: str(told) for language, told in text.items()}
        return {language: told for language, told in named.items() if language in LANGUAGES}

    def _schema(self, address: str, resource: Mapping[str, Any]) -> dict[str, Any] | None:
        """The Table Schema of a resource, without foreign keys to other tables of the package: they have other names here."""
        schema = resource.get("schema")
        if isinstance(schema, str):
            schema = self._object(_beside(address, schema))
        if not schema or not schema.get("fields"):
            return None
        own = [key for key in schema.get("foreignKeys") or [] if not (key.get("reference") or {}).get("resource")]
        return {
            **{name: value for name, value in schema.items() if name != "foreignKeys"},
            **({"foreignKeys": own} if own else {}),
        }

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The file, its parts one behind the other, or the rows that the descriptor holds."""
        address, resource = item.data["address"], item.data["resource"]
        urls = [_beside(address, path) for path in _paths(resource)]
        odd, encoding = self._dialect(address, resource), str(resource.get("encoding") or "utf-8")
        is_plain = not odd and encoding.lower() in UTF8 and len(urls) <= 1
        if not is_plain and not (urls and all(_is_text(resource, url) for url in urls)):
            told = ", ".join(odd) or (encoding if encoding.lower() not in UTF8 else "path")
            raise KzError("harvest.odd_item", problem=f"{told[:100]}: {_format(resource)}")
        if not urls:
            return self._inline(item, into)
        fields, as_told, raw = self._schema(address, resource), True, into.with_name(f"{into.name}.raw")
        if len(urls) == 1:
            as_told = self._download(urls[0], raw, resource, checksums.digest([resource, odd, fields]))
            files = iter([raw])
        else:
            self.reach.validators = {}  # one part that has not changed says nothing of the others
            files = (self._part(url, raw) for url in urls)
        if is_plain:
            raw.replace(into)
        else:
            names = [str(field["name"]) for field in (fields or {"fields": []})["fields"]]
            by_format = {"delimiter": "\t"} if _format(resource) == "tsv" else {}
            lines.write_csv(dialect.table(files, by_format | odd, encoding, names), into, self.reach)
        return Fetched(resource.get("mediatype"), urlsplit(urls[0]).path.rsplit("/", 1)[-1], as_told)

    def _download(self, url: str, into: Path, resource: Mapping[str, Any], read_as: str) -> bool:
        """Whether the bytes have the hash that the resource tells; if not, the next visit asks for them without conditions."""
        self.reach.download(url, into, read_as=read_as)
        as_told = not resource.get("hash") or checksums.is_of(into, str(resource["hash"]))
        if not as_told:
            self.reach.fresh[url] = {}
        return as_told

    def _part(self, url: str, into: Path) -> Path:
        self.reach.download(url, into)
        return into

    def _inline(self, item: Found, into: Path) -> Fetched | None:
        package = self._object(item.data["address"])
        rows = next((one.get("data") for one in _resources(package) if one.get("name") == item.data["resource"]["name"]), None)
        if not isinstance(rows, list):
            raise KzError("harvest.odd_item", problem="data")
        if not rows:
            return None
        if isinstance(rows[0], list):
            rows = [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
        lines.write(rows, into, self.reach.limits.unpacked)
        return Fetched("application/x-ndjson", f"{item.data['resource']['name']}.ndjson")

    def _dialect(self, address: str, resource: Mapping[str, Any]) -> dict[str, Any]:
        told = resource.get("dialect") or {}
        return dialect.told(self._object(_beside(address, told)) if isinstance(told, str) else told)

    def _object(self, address: str) -> dict[str, Any]:
        found = self.reach.json(address)
        if not isinstance(found, dict):
            raise KzError("harvest.odd_list", problem=PACKAGE)
        return found


def _uri(package: str | None, resource: str, *, alone: bool) -> str:
    """The only table of a package has its name; a package may have none."""
    return package if package and alone else f"{package}-{resource}" if package else resource


def _found(address: str, package: Mapping[str, Any], resource: Mapping[str, Any], *, alone: bool) -> Found:
    told = {name: package.get(name) for name in ("name", "title", "description", "keywords", "licenses", "contributors")}
    kept = {name: value for name, value in resource.items() if name != "data"}
    data = {"package": told, "resource": kept, "alone": alone}
    is_whole = not any(isinstance(resource.get(name), str) for name in ("schema", "dialect"))  # those elsewhere have no hash
    known = resource.get("hash") and _paths(resource) and is_whole
    return Found(
        f"{shown(address)}#{resource['name']}", checksums.digest(data) if known else None, data | {"address": address}
    )


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, number in Counter(names).items() if number > 1]


def _resources(package: Any) -> list[dict[str, Any]]:
    found = package.get("resources") if isinstance(package, Mapping) else None
    if not isinstance(found, list):
        raise KzError("harvest.odd_list", problem="resources")
    return [{**one, "name": _name(one, place)} for place, one in enumerate(found, start=1) if isinstance(one, Mapping)]


def _name(resource: Mapping[str, Any], place: int) -> str:
    """Its own, or that of its file; only rows without any name are known by their place in the package."""
    return str(resource.get("name") or PurePosixPath(urlsplit(next(iter(_paths(resource)), "")).path).stem or f"table-{place}")


def _paths(resource: Mapping[str, Any]) -> list[str]:
    """Where its parts lie; older packages tell the parts behind the first in `extrapaths`."""
    path = resource.get("path") or []
    return [*map(str, [path] if isinstance(path, str) else path), *map(str, resource.get("extrapaths") or [])]


def _is_package(resource: Mapping[str, Any]) -> bool:
    path = resource.get("path")
    return isinstance(path, str) and (resource.get("profile") == "data-package" or path.split("/")[-1] == PACKAGE)


def _is_table(resource: Mapping[str, Any]) -> bool:
    if _is_package(resource):
        return False
    if resource.get("type") == "table" or resource.get("profile") == "tabular-data-resource" or resource.get("schema"):
        return True
    return isinstance(resource.get("data"), list) or _format(resource) in TABLES


def _format(resource: Mapping[str, Any]) -> str:
    name = urlsplit(next(iter(_paths(resource)), "")).path
    return str(resource.get("format") or name.removesuffix(".gz").removesuffix(".zip").rpartition(".")[2]).lower()


def _is_text(resource: Mapping[str, Any], url: str) -> bool:
    is_packed = resource.get("compression") or urlsplit(url).path.endswith((".gz", ".zip"))
    return _format(resource) in ("csv", "tsv", "txt") and not is_packed


def _beside(address: str, path: str) -> str:
    """The address of a path in a package. By the standard it is absolute, or lies below the package."""
    found = urljoin(address, path)
    if path.startswith("/") or ".." in path.split("/"):
        raise KzError("harvest.odd_item", problem=f"path: {path[:100]}")
    return found


def _any(texts: Mapping[str, str]) -> str:
    return next(iter(texts.values()), "")
