"""Rows of a table for a page: the first ones, or those that the address asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk

from portal_theme.cells import Column, column_of

PAGE_SIZE = 50


@dataclass(frozen=True)
class Order:
    """By which column the rows are sorted; `by` is empty where they stand as published."""

    by: str = ""
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.by} {'desc' if self.descending else 'asc'}" if self.by else ""


@dataclass(frozen=True)
class Rows:
    """Rows of a table, each a dict by the column's name; `total` is how many were found, `page` counts from 1."""

    columns: list[Column]
    rows: list[dict[str, Any]]
    total: int = 0
    page: int = 1
    order: Order = Order()

    @property
    def page_count(self) -> int:
        """How many pages the rows that were found fill; 1 when there are none."""
        return max(1, -(-self.total // PAGE_SIZE))


def kz_preview(resource: Mapping[str, Any], limit: int) -> Rows | None:
    """The first `limit` rows of a table, or None when the DataStore has nothing of it."""
    return _search({"resource_id": resource["id"], "limit": limit, "include_total": False})


def kz_rows(resource: Mapping[str, Any]) -> Rows | None:
    """The rows that the request asks for by `q`, `sort` and `page`; a wrong order or page is read as none and the first."""
    args = tk.request.args
    page = max(1, args.get("page", 1, int))
    order = _order(resource["id"], args.get("sort", ""))
    query = {"resource_id": resource["id"], "limit": PAGE_SIZE, "offset": (page - 1) * PAGE_SIZE, "sort": _quoted(order)}
    return _search({**query, "q": args.get("q", "")}, page, order)


def _search(query: dict[str, Any], page: int = 1, order: Order | None = None) -> Rows | None:
    wanted = {name: value for name, value in query.items() if value != ""}
    try:
        found = tk.get_action("datastore_search")({}, wanted)
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return None
    columns = [column_of(field) for field in found["fields"] if field["id"] != "_id"]
    return Rows(columns, found["records"], found.get("total", 0), page, order or Order())


def _order(resource_id: str, sort: str) -> Order:
    name, _, direction = sort.rpartition(" ")
    try:
        fields = tk.get_action("datastore_info")({}, {"id": resource_id})["fields"]
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return Order()
    return Order(name, direction == "desc") if name in {field["id"] for field in fields} else Order()


def _quoted(order: Order) -> str:
    return f'"{order.by}" {"desc" if order.descending else "asc"}' if order.by else ""


ROWS = (kz_preview, kz_rows)
