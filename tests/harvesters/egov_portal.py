"""A stand-in for a portal like data.egov.kz: ten sets a page, passports without a key, 204 at the end of a table.

`/api/v4` wants a key and gives bare rows; `/api/detailed` is open, tells how many there are, and gives at most `most` at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.publishing.harvest.source import Catalogue, Handler, send

KEY = "0123456789abcdef0123456789abcdef"


class Portal:
    """Fifteen data sets; each has a table of three rows whose numbers are texts, as there."""

    most = 10_000
    told = 3
    named = True
    detailed_is_open = True
    most_with_key = 10_000
    farthest = 1_000_000
    """As Elasticsearch has it: it refuses to look farther ahead."""
    loops = False
    rows_of_each = 3
    numbered = True
    """Whether rows have the search engine's own number with them."""
    versions: tuple[str, ...] = ()
    """Of each data set, as its mapping names them. Passports then want one, and a table without one has the rows of all."""
    stable = True
    """Whether rows have one order; where they have none, the second half of the table begins at its first row."""
    sorts = True
    dated = True
    """Whether passports tell when a table was changed."""
    total: int | None = None
    """How many data sets it says that it has, when that is not true."""

    def __init__(self, catalogue: Catalogue, sets: int = 15) -> None:
        self.sets = {f"opendata_api_uri{n}": "2026-01-01T00:00:00.000" for n in range(sets)}
        self.after_page: dict[int, Callable[[], Any]] = {}
        """What happens once a page of the catalogue was given, by its number."""
        self.edition = 50
        self.after_rows: list[Callable[[], Any]] = []
        """What happens once rows of a table were given, one for each time."""
        catalogue.instead |= {
            "/datasets/getdatasetsrecount": self.count,
            "/datasets/getdatasetsre": self.page,
            "/meta/": self.meta,
            "/api/v4/mapping/": self.mapping,
            "/api/v4/": self.rows,
            "/api/detailed/": self.detailed,
        }

    def values(self, handler: Handler) -> dict[str, str]:
        return {name: found[0] for name, found in parse_qs(urlsplit(handler.path).query).items()}

    def count(self, handler: Handler) -> None:
        answer(handler, {"totalCount": len(self.sets) if self.total is None else self.total})

    def page(self, handler: Handler) -> None:
        number = int(self.values(handler)["page"])
        names = list(self.sets)[(number - 1) * 10 : number * 10]  # ten, whatever `count` says
        answer(handler, {"datasets": [{"apiUri": n, "modifiedDate": self.sets[n], "actualizeType": "WEEKLY"} for n in names]})
        self.after_page.pop(number, lambda: None)()

    def mapping(self, handler: Handler) -> None:
        name = handler.path.split("/")[4]
        if self.versions:
            answer(handler, {name: {"mappings": {version: {"properties": {}} for version in self.versions}}})
        else:
            send(handler, 404, b"")

    def version(self, handler: Handler) -> str:
        """The one that is asked for, the last part of the path; "" for none."""
        last = unquote(urlsplit(handler.path).path).rsplit("/", 1)[-1]
        return last if last in self.versions else ""

    def meta(self, handler: Handler) -> None:
        if self.versions and not self.version(handler):
            send(handler, 404, b"")
            return
        name = handler.path.split("/")[2].split("?")[0]
        fields = {
            "id": {"type": "Int", "labelRu": "Номер", "labelKk": "Нөмірі"},
            "kurs": {"type": "String", "labelRu": "Курс", "labelKk": "Бағам"},
        }
        words = {"nameRu": f"Набор {name}", "nameKk": f"Жинақ {name}", "nameEn": "", "descriptionRu": "О наборе"}
        owner = {"fullnameRu": "Отдел данных", "email": "data@example.org"}
        told = {"apiUri": name, "fields": fields if self.named else {}, "keywords": "курс, валюта", "responsible": owner}
        told |= {"modifiedDate": self.sets[name]} if self.dated else {}
        answer(handler, told | words)

    def rows(self, handler: Handler) -> None:
        asked = json.loads(self.values(handler)["source"])
        if self.values(handler).get("apiKey") != KEY:
            send(handler, 403, b"")
        elif asked["from"] + asked["size"] > self.farthest:
            send(handler, 500, b"Result window is too large")
        elif found := self.some(handler, self.most_with_key):
            answer(handler, found)
            self.was_read()
        else:
            send(handler, 204, b"")

    def detailed(self, handler: Handler) -> None:
        if not self.detailed_is_open:
            send(handler, 403, b"")
        elif found := self.some(handler, self.most):
            answer(handler, {"totalCount": self.told, "data": [{**row, "_index": "opendata"} for row in found]})
            self.was_read()
        else:
            send(handler, 204, b"")

    def was_read(self) -> None:
        if self.after_rows:
            self.after_rows.pop(0)()

    def some(self, handler: Handler, most: int = 10_000) -> list[dict[str, str]]:
        query = json.loads(self.values(handler)["source"])
        begin = 0 if self.loops else query["from"]
        if not self.stable and not (self.sorts and query.get("sort")) and begin >= self.rows_of_each // 2:
            begin -= self.rows_of_each // 2
        return self.table(self.version(handler))[begin:][: min(query["size"], most)]

    def table(self, version: str) -> list[dict[str, str]]:
        """Of a version; of all of them together, when there are some and none is named."""
        versions = [version] if version or not self.versions else self.versions
        numbers = [(one, n) for one in versions for n in range(1, self.rows_of_each + 1)]
        rows = [{"id": str(n), "kurs": f"{n}.{one or self.edition}"} for one, n in numbers]
        return [{**row, "_id": f"x{place}"} if self.numbered else row for place, row in enumerate(rows, 1)]


def answer(handler: Handler, document: Any) -> None:
    send(handler, 200, json.dumps(document, ensure_ascii=False).encode(), "application/json; charset=utf-8")
