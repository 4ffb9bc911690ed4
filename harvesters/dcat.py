"""A catalogue in DCAT or DCAT-AP: Turtle, JSON-LD or RDF/XML, in pages or whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.safe_xml import parse_xml
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from pydantic import Field
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.exceptions import Error as RdfError
from rdflib.term import Node

DCAT, DCT = Namespace("http://www.w3.org/ns/dcat#"), Namespace("http://purl.org/dc/terms/")
HYDRA, VCARD = Namespace("http://www.w3.org/ns/hydra/core#"), Namespace("http://www.w3.org/2006/vcard/ns#")
ACCEPT = "text/turtle, application/ld+json;q=0.9, application/rdf+xml;q=0.8"
FORMATS = {"text/turtle": "turtle", "application/ld+json": "json-ld", "application/rdf+xml": "xml", "application/xml": "xml"}
ENDINGS = {".ttl": "turtle", ".jsonld": "json-ld", ".json": "json-ld", ".rdf": "xml", ".xml": "xml"}
TABLES = ("csv", "xlsx", "xls", "ods", "tab-separated", "parquet", "json")
FREQUENCY = {
    "CONT": "CONTINUOUS",
    "DAILY": "DAILY",
    "WEEKLY": "WEEKLY",
    "MONTHLY": "MONTHLY",
    "QUARTERLY": "QUARTERLY",
    "ANNUAL_2": "HALF_YEAR",
    "ANNUAL": "YEARLY",
    "IRREG": "AS_NEEDED",
}
"""Words of the EU's vocabulary of frequencies."""


class DcatSettings(Settings):
    """Where the catalogue is."""

    address: Annotated[
        str, Field(pattern=r"^https?://"), Say("Каталогтың мекенжайы", "Адрес каталога", "Address of the catalogue")
    ]


class Dcat(Harvester[DcatSettings]):
    """Each dcat:Dataset is an item; its table is the first distribution in a format that is one."""

    name = "dcat"
    label = {"kk": "DCAT каталогы", "ru": "Каталог DCAT", "en": "DCAT catalogue"}  # noqa: RUF012
    settings_model = DcatSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """The pages of the catalogue, by hydra:next."""
        url: str | None = str(cursor or self.settings.address)
        while url:
            graph = self._graph(url)
            items = [self._item(graph, node) for node in sorted(graph.subjects(RDF.type, DCAT.Dataset), key=str)]
            total = next(graph.objects(None, HYDRA.totalItems), None)
            following = next(graph.objects(None, HYDRA.next), next(graph.objects(None, HYDRA.nextPage), None))
            url = urljoin(url, str(following)) if following is not None else None
            yield Page(items, url, int(str(total)) if total is not None else None)

    def _item(self, graph: Graph, node: Node) -> Found:
        changed = next(graph.objects(node, DCT.modified), None)
        data = {
            "title": _texts(graph, node, DCT.title),
            "description": _texts(graph, node, DCT.description),
            "keywords": _lists(graph, node, DCAT.keyword),
            "periodicity": _frequency(next(graph.objects(node, DCT.accrualPeriodicity), None)),
            "contact": _contact(graph, next(graph.objects(node, DCAT.contactPoint), None)),
            "download": _download(graph, node),
        }
        guid = str(next(graph.objects(node, DCT.identifier), node)) if not isinstance(node, URIRef) else str(node)
        return Found(guid, str(changed) if changed is not None else None, data)

    def describe(self, item: Found) -> Described:
        """What the catalogue says of the data set; its name here is the last part of its address."""
        name = [part for part in urlsplit(item.guid).path.split("/") if part] or [item.guid]
        contact = item.data["contact"]
        return Described(
            uri=name[-1],
            title=item.data["title"],
            description=item.data["description"],
            keywords=item.data["keywords"],
            periodicity=item.data["periodicity"],
            responsible=contact if contact and contact["name"] else None,
        )

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """The file of the distribution."""
        url = item.data["download"]
        if not url:
            return None
        answer = self.reach.download(url, into)
        return Fetched(answer.headers.get("content-type"), urlsplit(url).path.rsplit("/", 1)[-1])

    def _graph(self, url: str) -> Graph:
        answer, body = self.reach.text(url, {"Accept": ACCEPT})
        form = _format(answer.headers.get("content-type", ""), url)
        if form == "xml":
            parse_xml(body)  # refuses document types, hence entities
        elif form == "json-ld":
            body = self._without_foreign_contexts(body, url)
        try:
            return Graph().parse(data=body, format=form, publicID=url)
        except (RdfError, SyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise KzError("harvest.odd_list", problem=f"{form}: {str(error)[:150]}") from error

    def _without_foreign_contexts(self, body: bytes, url: str) -> bytes:
        """Contexts that lie elsewhere are fetched under the portal's rules and put in: rdflib would fetch them freely."""
        document = json.loads(body)
        return json.dumps(self._inlined(document, url, depth=0)).encode()

    def _inlined(self, value: Any, url: str, depth: int) -> Any:
        if isinstance(value, list):
            return [self._inlined(part, url, depth) for part in value]
        if not isinstance(value, Mapping):
            return value
        found = {name: self._inlined(part, url, depth) for name, part in value.items() if name not in ("@context", "@import")}
        return ({"@context": self._context(value["@context"], url, depth)} if "@context" in value else {}) | found

    def _context(self, context: Any, url: str, depth: int) -> Any:
        if isinstance(context, list):
            return [self._context(part, url, depth) for part in context]
        if not isinstance(context, str):
            return self._inlined(context, url, depth)
        if depth > 3:
            raise KzError("harvest.odd_list", problem="@context")
        place = urljoin(url, context)
        return self._context(self.reach.json(place)["@context"], place, depth + 1)


def _format(content_type: str, url: str) -> str:
    named = FORMATS.get(content_type.split(";")[0].strip().lower())
    found = named or next((form for ending, form in ENDINGS.items() if urlsplit(url).path.lower().endswith(ending)), None)
    if found is None:
        raise KzError("harvest.odd_list", problem=f"Content-Type: {content_type[:80]}")
    return found


def _texts(graph: Graph, node: Node, name: URIRef) -> dict[str, str]:
    """The texts of a property by language; one without a language counts as Russian."""
    found: dict[str, str] = {}
    for value in graph.objects(node, name):
        language = str(getattr(value, "language", None) or "ru")[:2]
        if language in LANGUAGES:
            found[language] = str(value)
    return found


def _lists(graph: Graph, node: Node, name: URIRef) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value in sorted(graph.objects(node, name), key=str):
        found.setdefault(str(getattr(value, "language", None) or "ru")[:2], []).append(str(value))
    return found


def _frequency(node: Node | None) -> str | None:
    return FREQUENCY.get(str(node).rsplit("/", 1)[-1].upper(), str(node) if isinstance(node, Literal) else None)


def _contact(graph: Graph, node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    mail = next(graph.objects(node, VCARD.hasEmail), "")
    return {"name": _texts(graph, node, VCARD.fn), "email": str(mail).removeprefix("mailto:")}


def _download(graph: Graph, node: Node) -> str | None:
    """The address of the first distribution that is a table: CSV before the others."""
    found: list[tuple[int, str]] = []
    for distribution in graph.objects(node, DCAT.distribution):
        form = " ".join(
            str(value).lower() for name in (DCT["format"], DCAT.mediaType) for value in graph.objects(distribution, name)
        )
        rank = next((place for place, table in enumerate(TABLES) if table in form), None)
        url = next(graph.objects(distribution, DCAT.downloadURL), next(graph.objects(distribution, DCAT.accessURL), None))
        if rank is not None and url is not None:
            found.append((rank, str(url)))
    return min(found)[1] if found else None
