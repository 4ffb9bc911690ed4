"""Data Packages (https://datapackage.org): each table of a `datapackage.json` is a data set, with the schema that it brings.

Read are versions 1 and 2 of the standard: addresses beside the package or absolute, tables in several parts, rows in the
descriptor itself, dialects, schemas that lie elsewhere. A list of packages is a JSON array of addresses, or a package whose
resources are packages.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO
from urllib.parse import urljoin, urlsplit

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import lines
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from pydantic import Field

PACKAGE = "datapackage.json"
TABLES = ("csv", "tsv", "xlsx", "xls", "ods", "json", "ndjson", "jsonl", "parquet")
LANGUAGES = ("kk", "ru", "en")
PLAIN = {"delimiter": ",", "quoteChar": '"', "doubleQuote": True, "header": True}
"""What a dialect may say without a change of how the portal reads the file by itself."""


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
            choices={
                "kk": {"kk": "Қазақша", "ru": "Казахский", "en": "Kazakh"},
                "ru": {"kk": "Орысша", "ru": "Русский", "en": "Russian"},
                "en": {"kk": "Ағылшынша", "ru": "Английский", "en": "English"},
            },
        ),
    ] = "ru"


class Frictionless(Harvester[FrictionlessSettings]):
    """Whether a table has changed is told by its `hash` in the package; without one its bytes are compared."""

    name = "frictionless"
    label = {"kk": "Data Package", "ru": "Data Package", "en": "Data Package"}  # noqa: RUF012
    settings_model = FrictionlessSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """A page for each package; the cursor counts those that were read."""
        done = int(cursor or 0)
        for place, address in enumerate(islice(self._packages(), done, None), start=done + 1):
            package = self._object(address)
            tables = [one for one in _resources(package) if _is_table(one)]
            yield Page([_found(address, package, one, alone=len(tables) == 1) for one in tables], place)

    def _packages(self) -> Iterator[str]:
        start = self.settings.address
        listed = self.reach.json(start)
        if isinstance(listed, list):
            found = [one.get("path") or one.get("url") if isinstance(one, Mapping) else one for one in listed]
        else:
            found = [one.get("path") for one in _resources(listed) if _is_package(one)]
            if not found:
                yield start
                return
        yield from dict.fromkeys(urljoin(start, str(one)) for one in found)

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
        path = resource.get("path")
        if not path:
            return self._inline(item, into)
        paths = [path] if isinstance(path, str) else path
        if len(paths) == 1:
            self.reach.download(_beside(address, paths[0]), into)
        else:
            with into.open("wb") as file:
                for part in paths:
                    body = self.reach.text(_beside(address, part))[1]
                    file.write(body if body.endswith(b"\n") else body + b"\n")
        name = urlsplit(paths[0]).path.rsplit("/", 1)[-1]
        dialect = self._dialect(address, resource)
        if _is_text(resource, name) and (dialect or resource.get("encoding", "utf-8").lower() not in ("utf-8", "utf8")):
            fields = [str(field["name"]) for field in (self._schema(address, resource) or {"fields": []})["fields"]]
            _rewrite(into, dialect, resource.get("encoding") or "utf-8", fields)
        return Fetched(resource.get("mediatype"), name)

    def _inline(self, item: Found, into: Path) -> Fetched | None:
        package = self._object(item.data["address"])
        rows = next((one.get("data") for one in _resources(package) if one.get("name") == item.data["resource"]["name"]), None)
        if not isinstance(rows, list) or not rows:
            return None
        if isinstance(rows[0], list):
            rows = [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
        lines.write(rows, into, self.reach.limits.unpacked)
        return Fetched("application/x-ndjson", f"{item.data['resource']['name']}.ndjson")

    def _dialect(self, address: str, resource: Mapping[str, Any]) -> dict[str, Any]:
        """What the dialect says that a plain CSV would not have; frictionless writes CSV's own words into `csv`."""
        dialect = resource.get("dialect") or {}
        if isinstance(dialect, str):
            dialect = self._object(_beside(address, dialect))
        told = {**dialect, **(dialect.get("csv") or {})}
        known = (*PLAIN, "escapeChar", "commentChar", "skipInitialSpace")
        return {name: told[name] for name in known if name in told and told[name] not in (None, PLAIN.get(name, False))}

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
    data = {"address": address, "package": told, "resource": kept, "alone": alone}
    return Found(f"{address}#{resource['name']}", resource.get("hash"), data)


def _resources(package: Any) -> list[dict[str, Any]]:
    found = package.get("resources") if isinstance(package, Mapping) else None
    if not isinstance(found, list):
        raise KzError("harvest.odd_list", problem="resources")
    return [{"name": f"table-{place}", **one} for place, one in enumerate(found, start=1) if isinstance(one, Mapping)]


def _is_package(resource: Mapping[str, Any]) -> bool:
    path = resource.get("path")
    return isinstance(path, str) and (resource.get("profile") == "data-package" or path.split("/")[-1] == PACKAGE)


def _is_table(resource: Mapping[str, Any]) -> bool:
    if _is_package(resource):
        return False
    if resource.get("type") == "table" or resource.get("profile") == "tabular-data-resource" or resource.get("schema"):
        return True
    path = resource.get("path")
    name = str(path[0] if isinstance(path, list) and path else path or "")
    return isinstance(resource.get("data"), list) or _format(resource, name) in TABLES


def _format(resource: Mapping[str, Any], name: str) -> str:
    return str(
        resource.get("format") or urlsplit(name).path.removesuffix(".gz").removesuffix(".zip").rpartition(".")[2]
    ).lower()


def _is_text(resource: Mapping[str, Any], name: str) -> bool:
    return _format(resource, name) in ("csv", "tsv", "txt") and not name.endswith((".gz", ".zip"))


def _beside(address: str, path: str) -> str:
    """The address of a path in a package. By the standard it is absolute, or lies below the package."""
    found = urljoin(address, path)
    if path.startswith("/") or ".." in path.split("/"):
        raise KzError("harvest.odd_item", problem=f"path: {path[:100]}")
    return found


def _any(texts: Mapping[str, str]) -> str:
    return next(iter(texts.values()), "")


def _rewrite(file: Path, dialect: Mapping[str, Any], encoding: str, names: list[str]) -> None:
    """Replace a text file by the same rows as plain CSV in UTF-8, with the header that its dialect says it lacks."""
    plain = file.with_name(f"{file.name}.plain")
    try:
        with (
            file.open(encoding="utf-8-sig" if _is_utf8(file) else encoding, newline="") as old,
            plain.open("w", encoding="utf-8", newline="") as new,
        ):
            written = csv.writer(new, lineterminator="\n")
            if not dialect.get("header", True):
                written.writerow(names)
            written.writerows(_rows(old, dialect))
        plain.replace(file)
    except (LookupError, UnicodeDecodeError, csv.Error) as error:
        raise KzError("harvest.odd_item", problem=str(error)[:200]) from error
    finally:
        plain.unlink(missing_ok=True)


def _is_utf8(file: Path) -> bool:
    """Hardly a text in another encoding is UTF-8 by chance, and packages often name a wrong one."""
    try:
        with file.open(encoding="utf-8") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _rows(file: TextIO, dialect: Mapping[str, Any]) -> Iterator[list[str]]:
    sign = dialect.get("commentChar")
    told = (line for line in file if not sign or not line.startswith(sign))
    yield from csv.reader(
        told,
        delimiter=dialect.get("delimiter", ","),
        quotechar=dialect.get("quoteChar", '"'),
        doublequote=dialect.get("doubleQuote", True),
        escapechar=dialect.get("escapeChar"),
        skipinitialspace=dialect.get("skipInitialSpace", False),
    )
