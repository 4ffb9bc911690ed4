"""Strings that would do something where they are not shown as text, and sources of every kind that send them everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from rdflib import DCAT, DCTERMS, RDF, BNode, Graph, Literal, Namespace, URIRef

from tests.publishing.harvest.source import Catalogue, Handler, says

VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
MARK = "kzxss"
"""Stands in every string: whatever of a page is made of it was made by the string."""
STRINGS = (
    "<script>kzxss()</script>",
    '"><img src=x onerror=kzxss()>',
    "' onmouseover='kzxss()' autofocus onfocus='kzxss()",
    "<svg/onload=kzxss()><a xlink:href='javascript:kzxss()'>kzxss</a></svg>",
    "javascript:kzxss()",
    "java\tscript:kzxss()//\x01",
    "[kzxss](javascript:kzxss()) [kzxss](java&#115;cript:kzxss()) <javascript:kzxss()>",
    "![kzxss](data:image/svg+xml;base64,a3p4c3M=) [kzxss](data:text/html,kzxss) [kzxss]: vbscript:kzxss()",
    "<a href=\"data:text/html,<script>kzxss()</script>\" style='x:kzxss'>kzxss</a>",
    "</title></textarea></style></noscript><iframe srcdoc='<script>kzxss()</script>'>",
    '</script><script>kzxss()</script>"}]}',
    "{{ 'kzxss' ~ 191 * 7 }}${191*7}#{191*7}{% include 'kzxss' %}",
    "kzxss \u202egnp.exe\u2066 \x07\x1b[31m\x00\u2028",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=kzxss()&gt;'>",
    "&lt;img src=x onerror=kzxss()&gt; &#60;script&#62;kzxss()&#60;/script&#62;",
    "]]><script xmlns='http://www.w3.org/1999/xhtml'>kzxss()</script><!--",
    '""" . <javascript:kzxss()> a <http://kzxss.example/x> . # kzxss',
    "=HYPERLINK('javascript:kzxss()','kzxss')",
    "@SUM(kzxss)",
    "+kzxss|'/c calc'!A1",
    "-2+3+cmd|' /C kzxss'!A0",
)
EMAILS = ("'/onfocus='kzxss/x='@kzxss.example", '"onfocus=kzxss()autofocus@kzxss?body=<script>')
"""One that is an address, and one that is none."""
SETS = 7
"""Data sets of each source: each has a seventh of the strings in each of its short fields, another in each field."""
LANGUAGES = ("kk", "ru", "en")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")
"""A file with such characters is no table to the publish path, which refuses it."""
CELLS = b"kzxss_code,kzxss note\n" + b"".join(
    f'{number},"{text}"\n'.encode() for number, text in enumerate(CONTROL.sub("", one).replace('"', '""') for one in STRINGS)
)


def some(number: int) -> str:
    """A seventh of the strings, one after the other."""
    return " ".join(STRINGS[number % SETS :: SETS])


def every(number: int) -> str:
    """All strings as paragraphs; they begin at another one in each data set, since lists show a text's beginning."""
    return "\n\n".join(STRINGS[number:] + STRINGS[:number])


def stored(text: str) -> str:
    """Without the character 0, which neither the database nor Turtle can tell."""
    return text.replace("\0", "")


def texts(number: int) -> dict[str, str]:
    return {language: some(number + place) for place, language in enumerate(LANGUAGES)}


def long_texts(number: int) -> dict[str, str]:
    return {language: every(number + place) for place, language in enumerate(LANGUAGES)}


def _values(handler: Handler) -> dict[str, str]:
    return {name: found[0] for name, found in parse_qs(urlsplit(handler.path).query).items()}


def _json(document: Any) -> Callable[[Handler], None]:
    return says(200, json.dumps(document).encode(), "application/json")


def ckan(catalogue: Catalogue) -> dict[str, Any]:
    """A stock CKAN: titles, notes, tags, licence, and name, description, address and format of resources."""
    packages = {f"ckan-{number}": _package(catalogue, number) for number in range(SETS)}
    listed = [{"id": p["id"], "name": p["name"], "metadata_modified": "1", "res_format": ["CSV"]} for p in packages.values()]

    def show(handler: Handler) -> None:
        _json({"success": True, "result": packages[handler.path.rsplit("id=", 1)[-1]]})(handler)

    def search(handler: Handler) -> None:
        start = int(_values(handler)["start"])
        _json({"success": True, "result": {"count": SETS, "results": listed[start:]}})(handler)

    catalogue.instead["/api/3/action/package_search"] = search
    catalogue.instead["/api/3/action/package_show"] = show
    return {"address": catalogue.url}


def _package(catalogue: Catalogue, number: int) -> dict[str, Any]:
    resource = {
        "url": f"{catalogue.url}/cells.csv",
        "name": some(number),
        "description": every(number),
        "format": f"CSV {some(number + 1)}",
    }
    return {
        "id": f"ckan-{number}",
        "name": f"ckan-{number}",
        "title": some(number),
        "title_translated": texts(number),
        "notes_translated": long_texts(number),
        "tags": [{"name": text} for text in STRINGS],
        "license_id": STRINGS[number],
        "license_title": some(number),
        "license_url": "javascript:kzxss()",
        "url": "javascript:kzxss()",
        "author": some(number),
        "resources": [resource],
    }


def dcat(catalogue: Catalogue) -> dict[str, Any]:
    """Titles, descriptions, keywords, the contact and its address in Turtle."""
    graph = Graph()
    for number in range(SETS):
        node, contact, table = URIRef(f"{catalogue.url}/dataset/dcat-{number}"), BNode(), BNode()
        graph.add((node, RDF.type, DCAT.Dataset))
        for language in LANGUAGES:
            graph.add((node, DCTERMS.title, Literal(stored(texts(number)[language]), lang=language)))
            graph.add((node, DCTERMS.description, Literal(stored(long_texts(number)[language]), lang=language)))
            graph.add((contact, VCARD.fn, Literal(stored(texts(number + 3)[language]), lang=language)))
        for text in STRINGS:
            graph.add((node, DCAT.keyword, Literal(stored(text), lang="ru")))
        graph.add((node, DCAT.contactPoint, contact))
        graph.add((contact, VCARD.hasEmail, Literal(EMAILS[number % 2])))
        graph.add((node, DCTERMS.license, Literal(some(number))))
        graph.add((node, DCAT.distribution, table))
        graph.add((table, DCTERMS["format"], Literal("CSV")))
        graph.add((table, DCTERMS.title, Literal(stored(some(number)))))
        graph.add((table, DCAT.downloadURL, URIRef(f"{catalogue.url}/cells.csv")))
    catalogue.instead["/catalog.ttl"] = says(200, graph.serialize(format="turtle").encode(), "text/turtle")
    return {"address": f"{catalogue.url}/catalog.ttl"}


def egov(catalogue: Catalogue) -> dict[str, Any]:
    """Names, descriptions, keywords, the responsible person, names and labels of columns, cells."""
    listed = [{"apiUri": f"egov-{number}", "modifiedDate": "1", "actualizeType": STRINGS[number]} for number in range(SETS)]

    def meta(handler: Handler) -> None:
        number = int(handler.path.rsplit("-", 1)[-1])
        _json(_meta(number))(handler)

    def page(handler: Handler) -> None:
        _json({"datasets": listed if _values(handler)["page"] == "1" else []})(handler)

    def detailed(handler: Handler) -> None:
        _json({"totalCount": len(rows), "data": rows[json.loads(_values(handler)["source"])["from"] :]})(handler)

    rows = [{"code": str(place), "kzxss note": CONTROL.sub("", text)} for place, text in enumerate(STRINGS)]
    catalogue.instead["/datasets/getdatasetsrecount"] = _json({"totalCount": SETS})
    catalogue.instead["/datasets/getdatasetsre"] = page
    catalogue.instead["/meta/"] = meta
    catalogue.instead["/api/detailed/"] = detailed
    return {"address": catalogue.url}


def _meta(number: int) -> dict[str, Any]:
    endings = {"kk": "Kk", "ru": "Ru", "en": "En"}
    labels = {f"label{endings[language]}": text for language, text in texts(number + 1).items()}
    return {
        "apiUri": f"egov-{number}",
        **{f"name{endings[language]}": text for language, text in texts(number).items()},
        **{f"description{endings[language]}": text for language, text in long_texts(number).items()},
        "keywords": list(STRINGS),
        "responsible": {
            **{f"fullname{endings[language]}": text for language, text in texts(number + 3).items()},
            "email": EMAILS[number % 2],
        },
        "fields": {"code": {"type": "String", **labels}, "kzxss note": {"type": some(number), **labels}},
    }


def json_api(catalogue: Catalogue) -> dict[str, Any]:
    """All of it, and ids that are hostile themselves; two more items whose file is none, by its address and by its bytes."""
    items = [_record(number, f"{catalogue.url}/cells.csv") for number in range(SETS)]
    items += [_record(SETS, "javascript:kzxss()"), _record(SETS + 1, f"{catalogue.url}/page.csv")]
    items += [_record(SETS + 2, f"{catalogue.url}/headers.csv")]
    page = "<!doctype html><title>kzxss</title>" + some(0)
    catalogue.instead["/page.csv"] = says(200, page.encode(), "text/html")
    names, cells = _header(CONTROL.sub("", one) for one in STRINGS), _header(map(str, range(len(STRINGS))))
    catalogue.instead["/headers.csv"] = says(200, f"{names}\n{cells}\n".encode(), "text/csv")
    catalogue.instead["/list"] = _json({"items": items})
    words = [f"{name}_{language}" for name in ("title", "description") for language in LANGUAGES]
    fields = {name: f"$.{name}" for name in ("id", "changed", *words, "keywords")} | {"download": "$.url"}
    return {"address": f"{catalogue.url}/list", "gives": "catalogue", "records": "$.items[*]", "fields": fields}


def _header(names: Iterable[str]) -> str:
    return ",".join(f'''"{name.replace('"', '""')}"''' for name in names)


def _record(number: int, url: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": f"json-{number} {some(number)}",
        "changed": some(number),
        "keywords": list(STRINGS),
        "url": url,
    }
    told |= {f"title_{language}": text for language, text in texts(number).items()}
    return told | {f"description_{language}": text for language, text in long_texts(number).items()}


def files(catalogue: Catalogue) -> dict[str, Any]:
    """Names of files, which become titles; a folder's page cannot name a file with a slash."""
    names = [quote(f"{number} {some(number)}.csv".replace("/", "\u2215").replace("\0", "")) for number in range(SETS)]
    links = "".join(f'<a href="{name}">kzxss</a>' for name in names)
    for name in names:
        catalogue.instead[f"/folder/{name}"] = says(200, CELLS, "text/csv")
    catalogue.instead["/folder/"] = says(200, f"<html><body>{links}</body></html>".encode(), "text/html")
    return {"address": f"{catalogue.url}/folder/"}


KINDS: dict[str, Callable[[Catalogue], dict[str, Any]]] = {
    "ckan": ckan,
    "dcat": dcat,
    "egov": egov,
    "json_api": json_api,
    "files": files,
}


def hostile(kind: str, catalogue: Catalogue) -> dict[str, Any]:
    """Make the catalogue a hostile source of this kind; its settings."""
    catalogue.instead["/cells.csv"] = says(200, CELLS, "text/csv")
    return KINDS[kind](catalogue)
