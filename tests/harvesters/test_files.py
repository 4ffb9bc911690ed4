"""Files at an address and in a folder, in every form that is read; what has not changed is not sent again."""

from __future__ import annotations

import io
import json
import zipfile

import openpyxl
import polars as pl
import pytest

from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, says, send

XML = """<?xml version="1.0" encoding="utf-8"?>
<register><school bin="000140000012"><name>№1 мектеп</name><pupils>640</pupils></school>
<school bin="000140000092"><name>Гимназия</name><pupils>1210</pupils></school></register>""".encode()
LISTING = b"""<html><body><a href="../">..</a><a href="a.csv">a</a><a href="b.xml">b</a><a href="readme.html">r</a>
<a href="/elsewhere/c.csv">c</a><a href="http://10.0.0.1/d.csv">d</a><a href="deep/e.csv">e</a></body></html>"""


SCHOOLS = [
    {"bin": "000140000012", "name": "№1 мектеп", "pupils": 640},
    {"bin": "000140000092", "name": "Гимназия", "pupils": 1210},
]
TABLE = [list(SCHOOLS[0]), *(list(one.values()) for one in SCHOOLS)]
CSV = "".join(",".join(map(str, row)) + "\n" for row in TABLE)
ODS = "application/vnd.oasis.opendocument.spreadsheet"
OFFICE = "urn:oasis:names:tc:opendocument:xmlns"


def xlsx() -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in TABLE:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def zipped(files: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file.getvalue()


def ods() -> bytes:
    """A sheet as LibreOffice writes it, without what it writes besides."""

    def cell(value: object) -> str:
        kind = f'float" office:value="{value}' if isinstance(value, int) else "string"
        return f'<table:table-cell office:value-type="{kind}"><text:p>{value}</text:p></table:table-cell>'

    told = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in TABLE)
    names = " ".join(f'xmlns:{name}="{OFFICE}:{name}:1.0"' for name in ("office", "table", "text"))
    content = f"""<?xml version="1.0" encoding="UTF-8"?><office:document-content {names} office:version="1.2"><office:body>
        <office:spreadsheet><table:table table:name="1">{told}</table:table></office:spreadsheet></office:body>
        </office:document-content>"""
    manifest = f"""<manifest:manifest xmlns:manifest="{OFFICE}:manifest:1.0">
        <manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS}"/></manifest:manifest>"""
    return zipped({"mimetype": ODS, "content.xml": content, "META-INF/manifest.xml": manifest})


def parquet() -> bytes:
    file = io.BytesIO()
    pl.DataFrame(SCHOOLS).write_parquet(file)
    return file.getvalue()


FORMS = {
    "schools.xlsx": xlsx(),
    "schools.ods": ods(),
    "schools.json": json.dumps(SCHOOLS).encode(),
    "schools.parquet": parquet(),
    "schools.zip": zipped({"schools.csv": CSV}),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_file_of_each_form_is_a_table(harvest: Harvest, catalogue: Catalogue, name: str) -> None:
    catalogue.instead[f"/{name}"] = says(200, FORMS[name], "application/octet-stream")
    harvest.ready("files", {"address": f"{catalogue.url}/{name}", "title_ru": "Школы", "key_columns": ["bin"]})
    run = harvest.run()
    assert counts(run)["added"] == 1, harvest.items(run)
    assert harvest.rows(harvest.items(run)[0]) == [list(map(str, row)) for row in TABLE]
    assert counts(harvest.run())["unchanged"] == 1


def test_a_folder_gives_its_tables_and_nothing_from_elsewhere(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.instead["/data/a.csv"] = says(200, b"code,amount\nx,1\n", "text/csv")
    catalogue.instead["/data/b.xml"] = says(200, XML, "application/xml")
    catalogue.instead["/data/"] = says(200, LISTING, "text/html")
    harvest.ready("files", {"address": f"{catalogue.url}/data/"})
    run = harvest.run()
    assert counts(run) == {"seen": 2, "added": 2, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    assert harvest.rows(harvest.items(run)[1]) == [
        ["bin", "name", "pupils"],
        ["000140000012", "№1 мектеп", "640"],
        ["000140000092", "Гимназия", "1210"],
    ]


def test_a_file_is_asked_for_with_what_is_known_of_it(harvest: Harvest, catalogue: Catalogue) -> None:
    asked = []

    def dated(handler: object) -> None:
        asked.append(handler.headers.get("If-Modified-Since"))  # type: ignore[attr-defined]
        if asked[-1]:
            send(handler, 304, b"")  # type: ignore[arg-type]
        else:
            send(handler, 200, b"code,amount\nx,1\n", "text/csv", Last_Modified="Sat, 28 Nov 2026 00:00:00 GMT")  # type: ignore[arg-type]

    catalogue.instead["/one.csv"] = dated
    harvest.ready("files", {"address": f"{catalogue.url}/one.csv", "title_ru": "Один файл"})
    assert counts(harvest.run())["added"] == 1
    assert counts(harvest.run())["unchanged"] == 1
    assert asked[-1] == "Sat, 28 Nov 2026 00:00:00 GMT"


def test_xml_with_entities_is_refused(harvest: Harvest, catalogue: Catalogue) -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><a><b>&x;</b></a></r>'
    laughs = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><r><a><b>&b;</b></a></r>'
    for body in (evil, laughs):
        catalogue.instead["/evil.xml"] = says(200, body, "application/xml")
        fresh = Harvest(harvest.app, harvest.agency)
        fresh.add("files", {"address": f"{catalogue.url}/evil.xml"})
        assert fresh.items(fresh.run("preview"))[0]["error"] == "client.xml_entities"
