"""Statistics in SDMX: each dataflow of a registry is a data set, a row for each observation, with the names of its codes.

REST of SDMX 2.1; observations as SDMX-CSV or, where a server does not know that, as SDMX-ML, generic or structure-specific.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.safe_xml import parse_xml
from ckanext.kzopen.publishing.harvest import checksums, lines
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
from kzopen_harvesters.sdmx_data import VALUE, of_csv, of_xml
from lxml import etree
from pydantic import Field

STRUCTURE = {"Accept": "application/vnd.sdmx.structure+xml;version=2.1"}
DATA = {
    "Accept": "application/vnd.sdmx.data+csv;version=1.0.0, application/vnd.sdmx.genericdata+xml;version=2.1;q=0.8, "
    "application/vnd.sdmx.structurespecificdata+xml;version=2.1;q=0.7"
}
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
NAME = "_name"
"""Behind a column of codes stands one with their names."""
LONGEST_NAME = 300
URN = re.compile(r"urn:sdmx:[\w.]+=([^:]+):([^(]+)\(([^)]+)\)(?:\.(.+))?")

Reference = tuple[str, str, str, str]
"""Agency, id, version; the id of an item in a scheme, else ""."""


class SdmxSettings(Settings):
    """Where the web service is, and whose dataflows are wanted."""

    address: Annotated[
        str,
        Field(pattern=r"^https?://"),
        Say(
            "SDMX қызметінің мекенжайы",
            "Адрес службы SDMX",
            "Address of the SDMX service",
            {"kk": "Мысалы, https://…/rest", "ru": "Например, https://…/rest", "en": "For example https://…/rest"},
        ),
    ]
    agency: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_.@$+-]*$"),
        Say("Органның SDMX-тегі коды", "Код ведомства в SDMX", "The agency's code in SDMX"),
    ] = ""
    language: Annotated[
        Literal["kk", "ru", "en"],
        Say(
            "Кодтар атауларының тілі",
            "Язык названий кодов",
            "Language of the codes' names",
            choices=NAMES_OF_LANGUAGES,
        ),
    ] = "ru"


@dataclass(frozen=True)
class Component:
    """A dimension, measure or attribute: its title by language, and the names of its codes by code."""

    name: str
    title: Mapping[str, str]
    codes: Mapping[str, str]


@dataclass(frozen=True)
class Structure:
    """What the rows of a dataflow consist of."""

    dimensions: list[Component]
    attributes: list[Component]
    is_number: bool

    def schema(self) -> dict[str, Any]:
        """The Table Schema of `rows`."""
        measure: dict[str, Any] = {"name": VALUE, "type": "number" if self.is_number else "string"}
        measure["title_translated"] = {"kk": "Мәні", "ru": "Значение", "en": "Value"}
        fields = [field for one in self.dimensions for field in _fields(one)]
        fields += [measure, *(field for one in self.attributes for field in _fields(one))]
        return {"fields": fields, "primaryKey": [one.name for one in self.dimensions]}

    def rows(self, observations: Iterable[Mapping[str, str]]) -> Iterator[list[str]]:
        """The header, and a row for each observation, which gives values by name.

        KzError harvest.odd_item for one that does not say where it belongs.
        """
        yield [field["name"] for field in self.schema()["fields"]]
        for one in observations:
            if lost := [part.name for part in self.dimensions if one.get(part.name) is None]:
                raise KzError("harvest.odd_item", problem=", ".join(lost)[:100])
            row = [cell for part in self.dimensions for cell in _cells(part, one)]
            yield [*row, one.get(VALUE, ""), *(cell for part in self.attributes for cell in _cells(part, one))]


class Sdmx(Harvester[SdmxSettings]):
    """Services rarely tell when a dataflow has changed: its bytes are compared, or ETag and Last-Modified."""

    name = "sdmx"
    label = {"kk": "SDMX статистикасы", "ru": "Статистика SDMX", "en": "Statistics in SDMX"}  # noqa: RUF012
    settings_model = SdmxSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """All dataflows, which such a service gives at once."""
        root = self._xml(f"dataflow/{self.settings.agency or 'all'}/all/latest")
        if etree.QName(root).localname != "Structure":
            raise KzError("harvest.odd_list", problem=etree.QName(root).localname[:100])
        flows = [_flow(node) for node in root.iter("{*}Dataflow")]
        found = [Found(_reference(one["flow"]), None, one) for one in flows]
        yield Page(found, total=len(found))

    def describe(self, item: Found) -> Described:
        """Its names; title and columns are in the languages of the registry. Two agencies may have flows of one id."""
        structure, flow = self._structure(item), item.data["flow"]
        self._described = (item.guid, structure)
        uri = flow["id"] if self.settings.agency else f"{flow['agency']}-{flow['id']}"
        return Described(uri, item.data["title"], item.data["description"], schema=structure.schema())

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """All observations, each with all of its dimensions."""
        known = self._described[1] if self._described[0] == item.guid else None
        structure = known or self._structure(item)
        raw = into.with_name(f"{into.name}.sdmx")
        flow = ",".join(item.data["flow"][part] for part in ("agency", "id", "version"))
        try:
            url = self._url(f"data/{flow}/all?dimensionAtObservation=AllDimensions")
            answer = self.reach.download(url, raw, DATA, read_as=checksums.digest(asdict(structure)))
            dimensions = {one.name for one in structure.dimensions}
            read = of_csv if "csv" in answer.headers.get("content-type", "") else of_xml
            lines.write_csv(structure.rows(read(raw, dimensions)), into, self.reach)
        finally:
            raw.unlink(missing_ok=True)
        return Fetched("text/csv", f"{item.data['flow']['id']}.csv")

    _described: tuple[str, Structure | None] = ("", None)
    """The structure of the item that was described last: its table has it, too."""

    def _structure(self, item: Found) -> Structure:
        if item.data["structure"] is None:
            raise KzError("harvest.odd_item", problem="Structure")
        wanted = tuple(item.data["structure"])
        path, agency = "/".join(quote(part) for part in wanted[:3]), wanted[0]
        root = self._xml(f"datastructure/{path}?references=descendants")
        found = next((node for node in root.iter("{*}DataStructure") if _own(node) == wanted), None)
        if found is None:
            raise KzError("harvest.odd_item", problem="DataStructure")
        codes = {_own(node): self._codes(node) for node in root.iter("{*}Codelist")}
        concepts = {
            (*_own(scheme)[:3], str(node.get("id"))): node
            for scheme in root.iter("{*}ConceptScheme")
            for node in scheme.iterfind("{*}Concept")
        }

        def component(node: etree._Element) -> Component:
            identity = _reference_in(node, "{*}ConceptIdentity", agency)
            concept = concepts.get(identity) if identity else None
            listed = _reference_in(node, "{*}LocalRepresentation/{*}Enumeration", agency)
            if listed is None and concept is not None and node.find("{*}LocalRepresentation") is None:
                listed = _reference_in(concept, "{*}CoreRepresentation/{*}Enumeration", agency)
            title = _texts(concept, "Name") if concept is not None else {}
            return Component(str(node.get("id") or (identity or [""])[-1]), title, codes.get(listed, {}) if listed else {})

        dimensions = [component(node) for node in found.iterfind(".//{*}DimensionList/*")]
        attributes = [component(node) for node in found.iterfind(".//{*}AttributeList/{*}Attribute")]
        if not dimensions:
            raise KzError("harvest.odd_item", problem="DimensionList")
        kind = found.find(".//{*}PrimaryMeasure//{*}TextFormat")
        is_number = kind is None or kind.get("textType", "Double") not in ("String", "Alpha", "AlphaNumeric", "Boolean")
        return Structure(dimensions, attributes, is_number)

    def _codes(self, codelist: etree._Element) -> dict[str, str]:
        order = (self.settings.language, *LANGUAGES)
        named = ((str(node.get("id")), _texts(node, "Name")) for node in codelist.iterfind("{*}Code"))
        return {code: next((names[one] for one in order if one in names), code)[:LONGEST_NAME] for code, names in named}

    def _xml(self, path: str) -> etree._Element:
        return parse_xml(self.reach.text(self._url(path), STRUCTURE)[1])

    def _url(self, path: str) -> str:
        return f"{self.settings.address.rstrip('/')}/{path}"


def _flow(node: etree._Element) -> dict[str, Any]:
    flow = {"id": node.get("id"), "agency": node.get("agencyID"), "version": node.get("version", "1.0")}
    structure = _reference_in(node, "{*}Structure", flow["agency"])
    title, description = _texts(node, "Name") or {"ru": flow["id"]}, _texts(node, "Description")
    return {"flow": flow, "structure": structure, "title": title, "description": description}


def _reference(flow: Mapping[str, str]) -> str:
    """A version is another state of the same dataflow."""
    return f"{flow['agency']}:{flow['id']}"


def _own(node: etree._Element) -> Reference:
    """By what others refer to an artefact."""
    return str(node.get("agencyID")), str(node.get("id")), node.get("version", "1.0"), ""


def _reference_in(node: etree._Element, path: str, agency: str) -> Reference | None:
    """What an element refers to, by `Ref` or `URN`; of a Ref without a version, by the standard, to version 1.0."""
    told = node.find(f"{path}/{{*}}Ref")
    if told is None:
        urn = URN.fullmatch((node.findtext(f"{path}/{{*}}URN") or "").strip())
        return (urn[1], urn[2], urn[3], urn[4] or "") if urn else None
    agency, name = told.get("agencyID", agency), told.get("id", "")
    scheme = told.get("maintainableParentID")
    if scheme:
        return agency, scheme, told.get("maintainableParentVersion", "1.0"), name
    return agency, name, told.get("version", "1.0"), ""


def _texts(node: etree._Element, tag: str) -> dict[str, str]:
    """The texts of an element by language; without a language they are English by the standard."""
    found = {str(text.get(LANGUAGE) or "en")[:2]: (text.text or "").strip() for text in node.iterfind(f"{{*}}{tag}")}
    return {language: text for language, text in found.items() if language in LANGUAGES and text}


def _fields(part: Component) -> list[dict[str, Any]]:
    field = {"name": part.name, "type": "string", "title_translated": dict(part.title)}
    if not part.codes:
        return [field]
    words = {"kk": "{} (атауы)", "ru": "{} (название)", "en": "{} (name)"}
    told = {language: words[language].format(text) for language, text in part.title.items()}
    return [field, {"name": part.name + NAME, "type": "string", "title_translated": told}]


def _cells(part: Component, observation: Mapping[str, str]) -> list[str]:
    value = observation.get(part.name) or ""
    return [value, part.codes.get(value, value)] if part.codes else [value]
