"""A stand-in for a CKAN whose catalogue changes while it is read, and whose data sets may have several tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.publishing.harvest.source import Catalogue, Handler, send


class CkanPortal:
    """Data sets with a table each, or those that `formats` names; at most `most` of them in a page."""

    most = 10
    count: int | None = None
    """How many data sets it says that it has, when that is not true."""

    def __init__(self, catalogue: Catalogue, sets: int) -> None:
        self.catalogue = catalogue
        self.names: list[str] = []
        self.formats: dict[str, tuple[str, ...]] = {}
        self.after_page: list[Callable[[], Any]] = []
        """What happens once a page was given, one for each."""
        self.add(sets)
        catalogue.instead |= {"/api/3/action/package_search": self.search, "/api/3/action/package_show": self.show}

    def add(self, sets: int) -> None:
        """So many more; the name of one that was taken away does not come again."""
        begin = len(self.catalogue.things)
        self.catalogue.fill(sets, begin)
        self.names += [f"set-{number:03d}" for number in range(begin, begin + sets)]

    def search(self, handler: Handler) -> None:
        values = {name: int(found[0]) for name, found in parse_qs(urlsplit(handler.path).query).items() if found[0].isdigit()}
        names = self.names[values["start"] :][: min(values["rows"], self.most)]
        found = [self._listed(name) for name in names]
        count = len(self.names) if self.count is None else self.count
        _answer(handler, {"count": count, "results": found})
        if self.after_page:
            self.after_page.pop(0)()

    def show(self, handler: Handler) -> None:
        name = handler.path.rsplit("id=", 1)[-1]
        tables = [{"format": form, "url": self.url_of(name, place)} for place, form in enumerate(self._formats(name))]
        _answer(handler, {"name": name, "title": f"Набор {name}", "resources": tables})

    def url_of(self, name: str, place: int) -> str:
        return f"{self.catalogue.url}/file/{name}.csv" if place == 0 else f"{self.catalogue.url}/file/{name}-{place}.csv"

    def _listed(self, name: str) -> dict[str, Any]:
        changed = self.catalogue.things[name].changed
        return {"id": name, "name": name, "metadata_modified": changed, "res_format": list(self._formats(name))}

    def _formats(self, name: str) -> tuple[str, ...]:
        return self.formats.get(name, ("CSV",))


def _answer(handler: Handler, result: Any) -> None:
    send(handler, 200, json.dumps({"success": True, "result": result}).encode(), "application/json")
