"""Files at an address, or all files of a directory that a web server lists: CSV, XLSX, XLS, ODS, JSON, Parquet, XML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urljoin, urlsplit

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.safe_xml import parse_xml
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from lxml import etree, html
from pydantic import Field

ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".json", ".ndjson", ".parquet", ".xml", ".zip", ".gz")


class FilesSettings(Settings):
    """Where the files are, and which of them are wanted."""

    address: Annotated[
        str,
        Field(pattern=r"^https?://"),
        Say(
            "Файлдың немесе қалтаның мекенжайы",
            "Адрес файла или папки",
            "Address of the file or the folder",
            {
                "kk": "«/» таңбасымен аяқталса – қалта, оның ішіндегі файлдардың бәрі алынады.",
                "ru": "Если адрес кончается на «/» – папка, берутся все файлы в ней.",
                "en": "An address that ends with “/” is a folder; all its files are taken.",
            },
        ),
    ]
    pattern: Annotated[str, Say("Файл атауының үлгісі", "Образец имени файла", "Pattern of file names")] = "*"
    record: Annotated[str, Say("XML жазбасының тегі", "Тег записи в XML", "Tag of a record in XML")] = ""
    title_kk: Annotated[str, Say("Атауы, қазақша", "Название по-казахски", "Title in Kazakh")] = ""
    title_ru: Annotated[str, Say("Атауы, орысша", "Название по-русски", "Title in Russian")] = ""
    key_columns: Annotated[list[str], Say("Кілт бағандар", "Ключевые столбцы", "Key columns")] = Field(default_factory=list)


class Files(Harvester[FilesSettings]):
    """Each file is a data set; whether it has changed is told by ETag, Last-Modified or its bytes."""

    name = "files"
    label = {"kk": "Файлдар", "ru": "Файлы", "en": "Files"}  # noqa: RUF012
    settings_model = FilesSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """The one file, or those that the folder's page links to."""
        if not urlsplit(self.settings.address).path.endswith("/"):
            yield Page([Found(self.settings.address, None, {"url": self.settings.address})])
            return
        _answer, body = self.reach.text(self.settings.address)
        names = sorted({url for url in self._links(body) if self._is_wanted(url)})
        yield Page([Found(url, None, {"url": url}) for url in names], total=len(names))

    def _links(self, body: bytes) -> Iterator[str]:
        """The addresses below the folder that its page names; links that lead elsewhere are left alone."""
        try:
            page = html.fromstring(body)
        except (etree.ParserError, ValueError) as error:
            raise KzError("harvest.odd_list", problem="HTML") from error
        base = self.settings.address
        for link in page.iter("a"):
            try:
                url = urljoin(base, str(link.get("href") or "")).split("#")[0].split("?")[0]
            except ValueError:  # no address at all
                continue
            if url.startswith(base) and "/" not in url[len(base) :]:
                yield url

    def _is_wanted(self, url: str) -> bool:
        name = _name(url)
        return name.lower().endswith(ENDINGS) and fnmatch(name, self.settings.pattern)

    def describe(self, item: Found) -> Described:
        """The file's name, where the settings give no other."""
        name = _name(item.data["url"])
        stem = name.rsplit(".", 1)[0] or name
        alone = item.data["url"] == self.settings.address
        title = {"kk": self.settings.title_kk, "ru": self.settings.title_ru} if alone else {}
        return Described(uri=stem, title=title if any(title.values()) else {"ru": stem}, key=self.settings.key_columns)

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The file as it is; XML becomes lines of JSON, a record each."""
        answer = self.reach.download(item.data["url"], into)
        name = _name(item.data["url"])
        if name.lower().endswith(".xml"):
            write_lines(into, self.settings.record)
            return Fetched("application/x-ndjson", f"{name}.ndjson")
        return Fetched(answer.headers.get("content-type"), name)


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.rsplit("/", 1)[-1])


def write_lines(file: Path, record: str) -> None:
    """Replace an XML file by its records: attributes and leaves of each element `record` (default: the root's children)."""
    root = parse_xml(file.read_bytes())
    found = [node for node in root.iter() if isinstance(node.tag, str) and _tag(node) == record] if record else list(root)
    with file.open("w", encoding="utf-8") as lines:
        for node in found:
            if isinstance(node.tag, str):
                lines.write(json.dumps(_values(node), ensure_ascii=False) + "\n")


def _values(node: etree._Element) -> dict[str, str]:
    values = {str(name): str(value) for name, value in node.attrib.items()}
    for child in node:
        if isinstance(child.tag, str) and not len(child):
            values[_tag(child)] = (child.text or "").strip()
    return values


def _tag(node: etree._Element) -> str:
    return etree.QName(node).localname
