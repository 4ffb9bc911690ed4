"""DCAT in Turtle, JSON-LD and RDF/XML, in pages; contexts from elsewhere and entities are not followed."""

from __future__ import annotations

import json

import pytest

from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, says

PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
"""


def dataset(catalogue: Catalogue, name: str) -> str:
    return f"""<{catalogue.url}/dataset/{name}> a dcat:Dataset ; dct:title "Жинақ {name}"@kk, "Набор {name}"@ru ;
    dct:description "О наборе"@ru ; dct:modified "2026-01-01" ; dcat:keyword "школа"@ru ;
    dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/ANNUAL> ;
    dcat:contactPoint [ vcard:fn "Отдел данных"@ru ; vcard:hasEmail <mailto:data@example.org> ] ;
    dcat:distribution [ a dcat:Distribution ; dcat:mediaType "application/pdf" ; dcat:accessURL <{catalogue.url}/x.pdf> ],
        [ a dcat:Distribution ; dct:format "CSV" ; dcat:downloadURL <{catalogue.url}/file/{name}.csv> ] .
"""


def test_a_catalogue_in_pages_of_turtle(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(4)
    first = f"<{catalogue.url}/catalog.ttl> hydra:next <{catalogue.url}/catalog.ttl?page=2> ; hydra:totalItems 4 .\n"
    pages = [PREFIXES + first + dataset(catalogue, "set-000") + dataset(catalogue, "set-001")]
    pages += [PREFIXES + dataset(catalogue, "set-002") + dataset(catalogue, "set-003")]
    catalogue.instead["/catalog.ttl?page=2"] = says(200, pages[1].encode(), "text/turtle")
    catalogue.instead["/catalog.ttl"] = says(200, pages[0].encode(), "text/turtle")
    harvest.ready("dcat", {"address": f"{catalogue.url}/catalog.ttl"})
    run = harvest.run()
    assert counts(run) == {"seen": 4, "added": 4, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    told = Api(harvest.app).get(f"/datasets/{harvest.items(run)[2]['uri']}").json
    assert (told["title"]["kk"], told["title"]["ru"], told["periodicity"]) == ("Жинақ set-002", "Набор set-002", "YEARLY")
    assert told["responsible"]["email"] == "data@example.org"
    assert counts(harvest.run())["unchanged"] == 4


def found(harvest: Harvest, catalogue: Catalogue, body: bytes, kind: str, name: str = "catalog") -> dict[str, object]:
    """The preview of a catalogue that answers with these bytes."""
    catalogue.instead[f"/{name}"] = says(200, body, kind)
    harvest.add("dcat", {"address": f"{catalogue.url}/{name}"})
    return harvest.run("preview")


def test_json_ld_with_a_context_of_its_own(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(1)
    context = {"@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"}}
    catalogue.instead["/context.jsonld"] = says(200, json.dumps(context).encode(), "application/ld+json")
    distribution = {
        "@type": "dcat:Distribution",
        "dct:format": "CSV",
        "dcat:downloadURL": {"@id": f"{catalogue.url}/file/set-000.csv"},
    }
    one = {
        "@id": f"{catalogue.url}/dataset/set-000",
        "@type": "dcat:Dataset",
        "dct:title": "Набор",
        "dcat:distribution": distribution,
    }
    body = json.dumps({"@context": f"{catalogue.url}/context.jsonld", **one}).encode()
    run = found(harvest, catalogue, body, "application/ld+json")
    item = harvest.items(run)[0]
    assert (item["error"], item["differences"]["rows"]) == (None, 3)


@pytest.mark.parametrize("context", ["http://169.254.169.254/context", "file:///etc/passwd", "http://10.1.1.1/c.jsonld"])
def test_a_context_inside_is_not_fetched(harvest: Harvest, catalogue: Catalogue, context: str) -> None:
    run = found(harvest, catalogue, json.dumps({"@context": context, "@id": "x"}).encode(), "application/ld+json")
    assert (run["state"], str(run["error"]).split(".")[0]) == ("failed", "client")


def test_rdf_with_entities_is_refused(harvest: Harvest, catalogue: Catalogue) -> None:
    body = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
    run = found(harvest, catalogue, body, "application/rdf+xml")
    assert (run["state"], run["error"]) == ("failed", "client.xml_entities")


def test_rdf_xml_is_read(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(1)
    body = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dcat="http://www.w3.org/ns/dcat#"
      xmlns:dct="http://purl.org/dc/terms/"><dcat:Dataset rdf:about="{catalogue.url}/dataset/set-000">
      <dct:title xml:lang="ru">Набор</dct:title><dcat:distribution><dcat:Distribution><dct:format>CSV</dct:format>
      <dcat:downloadURL rdf:resource="{catalogue.url}/file/set-000.csv"/></dcat:Distribution></dcat:distribution>
      </dcat:Dataset></rdf:RDF>"""
    run = found(harvest, catalogue, body.encode(), "application/rdf+xml")
    assert harvest.items(run)[0]["differences"]["rows"] == 3
