"""XML from outside: parsed without a document type, hence without entities, external files and their expansion."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from ckanext.kzopen.core.web.errors import KzError
from lxml import etree


class _Prolog(Exception):
    """The prolog has ended; nothing that follows can declare an entity."""


def parse_xml(data: bytes) -> etree._Element:
    """The root element; KzError client.xml_entities for a document type, client.bad_xml for what is not XML."""
    _refuse_document_type(io.BytesIO(data))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise KzError("client.bad_xml") from error


def parts(file: Path, tag: str) -> Iterator[etree._Element]:
    """The elements of this name in a file, whatever their namespace, one after the other; each is forgotten after its turn.

    The same errors as of `parse_xml`.
    """
    with file.open("rb") as document:
        _refuse_document_type(document)
        document.seek(0)
        safe: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
        try:
            for _event, node in etree.iterparse(document, tag=f"{{*}}{tag}", **safe):
                yield node
                node.clear()
                while node.getprevious() is not None and node.getprevious().tag == node.tag:
                    node.getparent().remove(node.getprevious())
        except (etree.XMLSyntaxError, ValueError) as error:
            raise KzError("client.bad_xml") from error


def _refuse_document_type(document: IO[bytes]) -> None:
    """Read as far as the first element with expat, in whatever encoding the document is."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = _enough
    try:
        parser.ParseFile(document)
    except _Prolog:
        return
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise KzError("client.bad_xml") from error


def _refuse(*_: object) -> None:
    raise KzError("client.xml_entities")


def _enough(*_: object) -> None:
    raise _Prolog
