"""What a string of `hostile` has made in a document: found with parsers that read it as browsers and programs do."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import html5lib
import openpyxl
from lxml import etree
from rdflib import Graph, URIRef

from tests.security.hostile import MARK

ADDRESSES = ("href", "src", "action", "formaction", "data", "poster", "ping", "background", "cite", "srcset", "manifest")
EXECUTABLE = ("javascript", "vbscript", "data")
MISLEADING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
COMPUTED = f"{MARK}{191 * 7}"
XHTML = "{http://www.w3.org/1999/xhtml}"


def in_html(document: bytes) -> list[str]:
    """Elements, attributes and addresses that a string made; the document is read by the algorithm of the HTML standard."""
    root = html5lib.parse(document, treebuilder="etree", transport_encoding="utf-8", namespaceHTMLElements=False)
    found = [wrong for element in root.iter() if isinstance(element.tag, str) for wrong in _of_element(element)]
    for cell in list(root.iter("td")):
        cell.clear()  # data, shown as they are; a change of direction ends with the cell
    return [*found, *_of_text("".join(root.itertext()))]


def _of_element(element: object) -> Iterator[str]:
    tag = element.tag.rsplit("}", 1)[-1]  # type: ignore[attr-defined]
    content = "".join(element.itertext())  # type: ignore[attr-defined]
    if MARK in tag or (
        tag in ("script", "style", "template", "noscript") and MARK in content and not _is_data(element, content)
    ):
        yield f"<{tag}> {content[:80]}"
    for name, value in element.attrib.items():  # type: ignore[attr-defined]
        plain = str(name).rsplit("}", 1)[-1].rsplit(":", 1)[-1].lower()
        if _is_live(tag, plain, value):
            yield f"<{tag} {name}={value[:120]!r}>"


def _is_data(script: object, content: str) -> bool:
    """Whether a script is only read, as JSON."""
    if "json" not in script.attrib.get("type", ""):  # type: ignore[attr-defined]
        return False
    json.loads(content)
    return True


def _is_live(tag: str, name: str, value: str) -> bool:
    if name.startswith("on") or MARK in name or name == "srcdoc" or (name == "style" and MARK in value):
        return True
    if tag == "meta" and name == "http-equiv" and value.lower() == "refresh":
        return False  # the page of a run renews itself; its content is looked at below
    if tag == "meta" and name == "content" and "url=" in value.lower() and MARK in value:
        return False  # a description that speaks of addresses
    if MISLEADING.search(value):
        return True
    if name not in ADDRESSES:
        return False
    if scheme(value) in EXECUTABLE:
        return True
    if value.startswith("/") and not value.startswith("//"):
        return False  # the portal's own: what it named after the string
    return MARK in value and tag in ("img", "iframe", "object", "embed", "base", "form", "source", "video", "audio", "use")


def scheme(address: str) -> str:
    """The scheme that a browser sees: it passes over control characters and blanks."""
    plain = re.sub(r"[\x00-\x20]", "", address)
    return plain.split(":", 1)[0].lower() if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", plain) else ""


def _of_text(text: str) -> list[str]:
    found = [f"computed: {COMPUTED}"] if COMPUTED in text else []
    return found + [f"misleading: {text[max(0, m.start() - 30) : m.end()]!r}" for m in [MISLEADING.search(text)] if m]


def in_xml(document: bytes) -> list[str]:
    """The same of Atom and RDF/XML: elements and addresses; a text that says it is HTML is read as such."""
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
    found = []
    for element in root.iter():
        tag = str(element.tag)
        if tag.startswith(XHTML) or MARK in tag:
            found.append(f"<{tag}>")
        if element.get("type") in ("html", "xhtml", "text/html"):
            found += in_html((element.text or "").encode())
        found += [f"<{tag} {name}={value!r}>" for name, value in element.attrib.items() if scheme(str(value)) in EXECUTABLE]
    return found + _of_text(" ".join(str(text) for text in root.itertext()))


def in_rdf(document: str, form: str) -> list[str]:
    """Nodes and predicates that a string made, and addresses that would be executed."""
    nodes = [node for triple in Graph().parse(data=document, format=form) for node in triple if isinstance(node, URIRef)]
    return [
        str(node) for node in nodes if scheme(str(node)) in EXECUTABLE or urlsplit(str(node)).hostname == f"{MARK}.example"
    ]


def in_csv(document: str) -> list[str]:
    """Cells that a spreadsheet would compute."""
    return [
        cell
        for row in csv.reader(io.StringIO(document.removeprefix("\ufeff")))
        for cell in row
        if cell[:1] in tuple("=+-@\t\r")
    ]


def in_xlsx(document: bytes) -> list[str]:
    """Cells that are formulas or links."""
    cells = [cell for sheet in openpyxl.load_workbook(io.BytesIO(document)) for row in sheet.iter_rows() for cell in row]
    return [str(cell.value) for cell in cells if cell.data_type == "f" or cell.hyperlink]
