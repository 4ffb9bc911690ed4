"""The total of CKAN's `datastore_search`: of the same version as its rows, and of a large table counted in its DuckDB file,
many times faster than by PostgreSQL.

Counted there are rows by values of texts and whole numbers, of which both sides think the same. Everything else (`q`, ranges,
`distinct`, other types), small tables, and those whose file is not made yet are counted by PostgreSQL, as ever.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.logic import auth_audit_exempt
from ckan.plugins import plugin_loaded
from ckanext.datastore.backend.postgres import get_read_engine
from ckanext.kzopen.rows import folding
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.chain import NoWay
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.sql import cursor_of, mark_of

# pyarrow and DuckDB stay out of web processes until somebody asks for such a total.
if TYPE_CHECKING:
    from ckanext.kzopen.rows.reading import Table

log = logging.getLogger(__name__)

Action = Callable[[Any, dict[str, Any]], dict[str, Any]]
Among = dict[str, list[Any]]
OTHERWISE = ("q", "full_text", "distinct", "total_estimation_threshold")
"""What PostgreSQL counts by."""
MOST_CHANGED = 5_000
"""Changed rows that are laid over the file for a question; with more, PostgreSQL counts until they are folded."""
TRIES = 5
"""So often a reader's question is asked while each time another version comes between rows and total."""
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WHOLE_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class Countable:
    """Which rows of which table are to be counted."""

    version: Version
    table: Table
    among: Among

    def total(self) -> int | None:
        """How many there are; None where a file is away: one that was folded or withdrawn just now, a bucket's."""
        from ckanext.kzopen.rows import deriving, duck

        try:
            with duck.opened(deriving.duck_folder(), self.version, self.table) as connection:
                return duck.count(connection, self.among)
        except (OSError, duck.unreadable()):
            log.warning("the rows of %s are counted by PostgreSQL", self.version.uri, exc_info=True)
            return None


def actions() -> dict[str, Action]:
    """The action that plugin `kzopen_words` gives CKAN; none where its plugin `datastore` is off."""
    return {"datastore_search": datastore_search} if plugin_loaded("datastore") else {}


@auth_audit_exempt  # as CKAN's is
@tk.side_effect_free
@tk.chained_action
def datastore_search(original: Action, context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """CKAN's search, which asks who may read the table; rows and total are of one version.

    CKAN asks for them one after the other: where another version came between, both are asked for again.
    """
    for _ in range(TRIES - 1):
        before = _shown(data_dict)
        answer = _answer(original, context, dict(data_dict))
        if before is None or before == _shown(data_dict):
            return answer
    return _answer(original, context, dict(data_dict))


def _answer(original: Action, context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """CKAN's answer; the total comes from DuckDB where both count the same."""
    found = countable(data_dict)
    if found is None:
        return original(context, data_dict)
    answer = original(context, {**data_dict, "include_total": False})
    total = found.total()
    if total is None:
        return original(context, data_dict)
    return answer | {"include_total": True, "total": total}


def countable(asked: Mapping[str, Any]) -> Countable | None:
    """What DuckDB can count of a question to `datastore_search`; None when PostgreSQL has to."""
    filters, resource_id = asked.get("filters"), _table(asked)
    if not isinstance(filters, dict) or not filters or resource_id is None:
        return None
    if not _wants_total(asked) or any(asked.get(name) for name in OTHERWISE):
        return None
    session = model.Session()
    version = versions.of_resource(session, resource_id)
    if version is None or version.rows < folding.DERIVED_ROWS:
        return None
    types = {field["name"]: field.get("type") for field in version.schema["fields"]}
    among = _among(filters, types)
    if among is None or _has_twins(types) or _shown(asked) != version.sha256:
        return None
    from ckanext.kzopen.rows import deriving, duck
    from ckanext.kzopen.rows.reading import table_of

    try:
        table = table_of(session, tk.config["kzopen.files_url"], version)
    except NoWay:
        return None
    there = duck.file_of(deriving.duck_folder(), version, table.whole).exists()
    few = sum(link.rows for link in table.links[1:]) <= MOST_CHANGED
    return Countable(version, table, among) if there and few else None


def _wants_total(asked: Mapping[str, Any]) -> bool:
    """As CKAN reads it."""
    return "include_total" not in asked or bool(tk.get_validator("boolean_validator")(asked["include_total"], {}))


def _has_twins(names: Iterable[str]) -> bool:
    """Whether two columns differ in the size of letters only, which DuckDB does not tell apart."""
    found = list(names)
    return len({name.casefold() for name in found}) < len(found)


def _among(filters: Mapping[str, Any], types: Mapping[str, str | None]) -> Among | None:
    """The values of each column, in its type; None when a column or a value is of another kind."""
    found: Among = {}
    for name, given in filters.items():
        read = {"string": _text, "integer": _number}.get(types.get(name) or "")
        values = [read(value) for value in (given if isinstance(given, list) else [given])] if read else []
        if not values or None in values:
            return None
        found[name] = values
    return found


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return int(value) if WHOLE_NUMBER.fullmatch(str(value)) else None


def _table(asked: Mapping[str, Any]) -> str | None:
    """The resource of which CKAN tells the rows, where it is named by its id."""
    named = asked["id"] if "id" in asked else asked.get("resource_id")
    return named if isinstance(named, str) and ID.fullmatch(named) else None


def _shown(asked: Mapping[str, Any]) -> str | None:
    """The SHA-256 of the version that DataStore shows now; None for a table without versions, and where no total is wanted."""
    resource_id = _table(asked)
    if resource_id is None or not _wants_total(asked):
        return None
    with get_read_engine().connect() as connection:
        return mark_of(cursor_of(connection), resource_id)
