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
    """The prolog has ended with the root, whose name it has; nothing that follows can declare an entity."""


def parse_xml(data: bytes) -> etree._Element:
    """The root element; KzError client.xml_entities for a document type, client.bad_xml for what is not XML."""
    _refuse_document_type(io.BytesIO(data))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise KzError("client.bad_xml") from error


def root_of(file: Path) -> str:
    """The name of a document's root, without its namespace; the same errors as of `parse_xml`."""
    with file.open("rb") as document:
        return _refuse_document_type(document).rpartition(":")[2]


def parts(file: Path, *tags: str) -> Iterator[etree._Element]:
    """The elements of these names in a file, whatever their namespace, one after the other, with what they stand in.

    Each is forgotten after its turn, and so are the elements of the same names before those in which it stands. The same
    errors as of `parse_xml`.
    """
    wanted = tuple(f"{{*}}{tag}" for tag in tags)
    with file.open("rb") as document:
        _refuse_document_type(document)
        document.seek(0)
        safe: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
        try:
            for _event, node in etree.iterparse(document, tag=wanted, remove_comments=True, remove_pis=True, **safe):
                yield node
                node.clear()
                for within in (node, *node.iterancestors()):
                    _forget_before(within, tags)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise KzError("client.bad_xml") from error


def _forget_before(node: etree._Element, tags: tuple[str, ...]) -> None:
    parent = node.getparent()
    while parent is not None and (before := node.getprevious()) is not None:
        if before.tag != node.tag and etree.QName(before).localname not in tags:
            return
        parent.remove(before)


def _refuse_document_type(document: IO[bytes]) -> str:
    """Read as far as the first element with expat, in whatever encoding the document is; the name that is written there."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = _enough
    try:
        parser.ParseFile(document)
    except _Prolog as root:
        return str(root)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise KzError("client.bad_xml") from error
    raise KzError("client.bad_xml")


def _refuse(*_: object) -> None:
    raise KzError("client.xml_entities")


def _enough(name: str, _attributes: object) -> None:
    raise _Prolog(name)
