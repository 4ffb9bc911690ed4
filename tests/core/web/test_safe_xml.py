"""XML from outside has no entities."""

from __future__ import annotations

from pathlib import Path

import pytest
from ckanext.kzopen.core.web import KzError
from ckanext.kzopen.core.web.safe_xml import parse_xml, parts, root_of

_ENTITIES = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 9))
LAUGHS = f"<!DOCTYPE a [<!ENTITY l0 'ha'>{_ENTITIES}]><a>&l8;</a>"
EXTERNAL = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"


def test_plain_xml_is_parsed() -> None:
    assert parse_xml("<?xml version='1.0'?><a><b>қазақ</b></a>".encode()).findtext("b") == "қазақ"


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-16", "koi8-r"])
def test_other_encodings_are_read(encoding: str) -> None:
    data = f"<?xml version='1.0' encoding='{encoding}'?><a>Алматы</a>".encode(encoding)
    assert parse_xml(data).text == "Алматы"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("text", [LAUGHS, EXTERNAL, "<!DOCTYPE a><a/>", "<!-- c --><!DOCTYPE a SYSTEM 'http://x/'><a/>"])
def test_a_document_type_is_refused_in_any_encoding(text: str, encoding: str) -> None:
    data = f"<?xml version='1.0' encoding='{encoding}'?>{text}".encode(encoding)
    with pytest.raises(KzError) as caught:
        parse_xml(data)
    assert caught.value.code == "client.xml_entities"


@pytest.mark.parametrize("data", [b"", b"plain", b"<a>", b"<a>&undefined;</a>", b"<?xml version='1.0' encoding='x-no'?><a/>"])
def test_what_is_not_xml_is_refused(data: bytes) -> None:
    with pytest.raises(KzError) as caught:
        parse_xml(data)
    assert caught.value.code == "client.bad_xml"


def test_a_document_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    """What lxml has read ahead is there: some tens of kilobytes."""
    file, sizes, number = tmp_path / "long.xml", [], 0
    group = "<g n='1'><k/></g><!-- c --><s><k v='1'/><o><v/></o><o/></s><s><k v='2'/><o/></s>"
    file.write_text(f"<a xmlns='x'><of-all/>{group * 5000}</a>")
    for node in parts(file, "o", "g"):
        root = node.getroottree().getroot()
        assert root.find("{*}of-all") is not None
        assert node.get("n") == "1" or node.getparent().find("{*}k").get("v") in "12"
        if number % 500 == 0:
            sizes.append(sum(1 for _ in root.iter()))
        number += 1
    assert number == 20_000
    assert max(sizes) < 6000  # of 45,000


def test_the_root_of_a_document(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text("<?xml version='1.0'?><!-- c --><m:a xmlns:m='x'><b/></m:a>")
    assert root_of(file) == "a"
    file.write_text(LAUGHS)
    with pytest.raises(KzError) as caught:
        root_of(file)
    assert caught.value.code == "client.xml_entities"
