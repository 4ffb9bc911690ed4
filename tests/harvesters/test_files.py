"""Files at an address and in a folder: CSV, JSON, XML; what has not changed is not sent again."""

from __future__ import annotations

from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, says, send

XML = """<?xml version="1.0" encoding="utf-8"?>
<register><school bin="000140000012"><name>№1 мектеп</name><pupils>640</pupils></school>
<school bin="000140000092"><name>Гимназия</name><pupils>1210</pupils></school></register>""".encode()
LISTING = b"""<html><body><a href="../">..</a><a href="a.csv">a</a><a href="b.xml">b</a><a href="readme.html">r</a>
<a href="/elsewhere/c.csv">c</a><a href="http://10.0.0.1/d.csv">d</a><a href="deep/e.csv">e</a></body></html>"""


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
