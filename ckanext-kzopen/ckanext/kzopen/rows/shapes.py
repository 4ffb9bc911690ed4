"""How a table and its Table Schema become a table of CKAN's DataStore: types, data dictionary, indexes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

# pyarrow stays out of the web processes, which only ask for names of indexes here.
if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_NAME = 63
NESTED = frozenset({"object", "array", "geojson"})
TEXT_INDEX = '"_full_text"'
BESIDE_KB = 64 << 10
AT_FIRST = 30
"""The statistics target of a large table until its words are in, of 300 times as many rows; PostgreSQL's own is 100."""


class UnfitName(ValueError):
    """DataStore cannot have a column of this name: 1–63 bytes, no leading underscore, no quotes, no outer blanks."""


def refuse_names(names: Sequence[str]) -> None:
    """Raise UnfitName for the first name that CKAN's DataStore would refuse."""
    for name in names:
        printable = name.isprintable() and name == name.strip() and '"' not in name
        if not name or name.startswith("_") or not printable or len(name.encode()) > LONGEST_NAME:
            raise UnfitName(name)


def column_types(columns: pa.Schema, schema: Mapping[str, Any]) -> dict[str, str]:
    """The PostgreSQL type of each column: exact ones (`numeric`, `int8`), nested JSON as `jsonb`, the rest `text`."""
    nested = {field["name"] for field in schema.get("fields", ()) if field.get("type") in NESTED}
    return {field.name: "jsonb" if field.name in nested else _type(field.type) for field in columns}


def _type(arrow: pa.DataType) -> str:
    from pyarrow import types

    if types.is_integer(arrow):
        return "int8"
    if types.is_floating(arrow) or types.is_decimal(arrow):
        return "numeric"
    if types.is_boolean(arrow):
        return "bool"
    if types.is_date(arrow):
        return "date"
    if types.is_timestamp(arrow):
        return "timestamp"
    return "time" if types.is_time(arrow) else "text"


def creation(table: Identifier, types: Mapping[str, str]) -> Composed:
    """CREATE TABLE with CKAN's own two columns before the data's; the key is added when the rows are in."""
    columns = [SQL("{} {}").format(Identifier(name), SQL(kind)) for name, kind in types.items()]
    own = [SQL("_id serial"), SQL("_full_text tsvector")]
    return SQL("CREATE TABLE {} ({})").format(table, SQL(", ").join([*own, *columns]))


def completion(
    resource_id: str, types: Mapping[str, str], schema: Mapping[str, Any], *, with_text: bool, prefix: str = ""
) -> list[Composed]:
    """The statements that give a filled table what CKAN's tables have besides columns and rows, and statistics. `prefix`
    begins the names of one that is still hidden."""
    table, sequence = Identifier(prefix + resource_id), Literal(f'"{prefix}{resource_id}"')
    wanted = indexes(resource_id, schema, types) + ([text_index(resource_id)] if with_text else [])
    last = "SELECT setval(pg_get_serial_sequence({}, '_id'), coalesce(max(_id), 0) + 1, false) FROM {}"
    trigger = (
        "CREATE TRIGGER zfulltext BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE PROCEDURE populate_full_text_trigger()"
    )
    return [
        *_statistics(table, whole=with_text),
        SQL("ALTER TABLE {} ADD PRIMARY KEY (_id)").format(table),
        *(index.creation(table, prefix) for index in wanted),
        *comments(table, list(types), schema),
        SQL(last).format(sequence, table),
        SQL(trigger).format(table),
    ]


def _statistics(table: Identifier, *, whole: bool) -> list[Composed]:
    """ANALYZE. It comes before the indexes, since PostgreSQL makes those with two processors and this with one: early in the
    work the caller of a large table still uses the other. Unless the table is `whole` its words come later and it is analyzed
    again then (`words.fill_full_text`); until then a smaller sample of its rows is enough."""
    analyzed = SQL("ANALYZE {}").format(table)
    if whole:
        return [analyzed]
    few, every = SQL("SET LOCAL default_statistics_target = {}"), SQL("SET LOCAL default_statistics_target TO DEFAULT")
    return [few.format(Literal(AT_FIRST)), analyzed, Composed([every])]


def comments(table: Identifier, names: Sequence[str], schema: Mapping[str, Any]) -> list[Composed]:
    """The statements that give a new table its data dictionary."""
    told = dictionary(names, schema)
    return [comment(table, name, text) for name, text in told.items() if text]


def comment(table: Identifier, name: str, told: str | None) -> Composed:
    """COMMENT ON COLUMN; None takes the comment away."""
    return SQL("COMMENT ON COLUMN {}.{} IS {}").format(table, Identifier(name), Literal(told))


def dictionary(names: Sequence[str], schema: Mapping[str, Any]) -> dict[str, str | None]:
    """The comment of each column that the schema knows; None for one of which it tells nothing.

    CKAN keeps the data dictionary as JSON in the comments of columns; the leading blank is its version mark.
    """
    by_name = {field["name"]: field for field in schema.get("fields", ())}
    entries = {name: dictionary_entry(by_name[name]) for name in names if name in by_name}
    return {name: " " + json.dumps({"_info": info}, ensure_ascii=False) if info else None for name, info in entries.items()}


def dictionary_entry(field: Mapping[str, Any]) -> dict[str, str]:
    """`label` and `notes` as CKAN shows them (Kazakh first), and each of them by language."""
    entry: dict[str, str] = {}
    for ours, theirs in (("title", "label"), ("description", "notes")):
        translated = {lang: text for lang, text in (field.get(f"{ours}_translated") or {}).items() if text}
        first = next((translated[lang] for lang in ("kk", "ru", "en") if lang in translated), field.get(ours))
        if first:
            entry[theirs] = first
        entry |= {f"{theirs}_{lang}": text for lang, text in translated.items()}
    return entry


@dataclass(frozen=True)
class Index:
    """An index under the name that CKAN would give it, so that CKAN does not make it a second time."""

    name: str
    columns: Composable
    unique: bool = False
    method: str = "btree"
    options: str = ""
    fields: tuple[str, ...] = ()

    def creation(self, table: Identifier, prefix: str, *, beside: bool = False) -> Composed:
        """CREATE INDEX; on a table that is still hidden the name gets `prefix` until the switch. `beside` writers: slower,
        and outside a transaction."""
        kind = SQL("UNIQUE INDEX") if self.unique else SQL("INDEX CONCURRENTLY" if beside else "INDEX")
        name = Identifier(prefix + self.name)
        made = SQL("CREATE {} {} ON {} USING {} ({})").format(kind, name, table, SQL(self.method), self.columns)
        return made + SQL(f" WITH ({self.options})") if self.options else made


def indexes(resource_id: str, schema: Mapping[str, Any], types: Mapping[str, str]) -> list[Index]:
    """The primary key (unique) and the fields marked `"indexed": true`."""
    key = primary_key(schema)
    marked = [
        [f["name"]] for f in schema.get("fields", ()) if f.get("indexed") and types.get(f["name"]) not in ("jsonb", None)
    ]
    found = [_index(resource_id, columns) for columns in marked if columns != key]
    if key and set(key) <= set(types):
        found.insert(0, _index(resource_id, key, unique=True))
    return found


def primary_key(schema: Mapping[str, Any]) -> list[str]:
    """The names of the key's fields; Table Schema allows one name without a list."""
    key = schema.get("primaryKey") or []
    return [key] if isinstance(key, str) else list(key)


def text_index(resource_id: str) -> Index:
    """The index of `_full_text`, for `q`. Words of changed rows lie beside it until a job takes them in (`words.take_in`): a
    delivery must not wait for that."""
    return Index(
        _name(resource_id, TEXT_INDEX), SQL(TEXT_INDEX), method="gin", options=f"gin_pending_list_limit = {BESIDE_KB}"
    )


def _index(resource_id: str, columns: Sequence[str], *, unique: bool = False) -> Index:
    quoted = ", ".join(f'"{name}"' for name in columns)
    return Index(_name(resource_id, quoted), SQL(", ").join(map(Identifier, columns)), unique, fields=tuple(columns))


def _name(resource_id: str, columns: str) -> str:
    """`ckanext.datastore.backend.postgres._generate_index_name`."""
    return sha1((resource_id + columns).encode(), usedforsecurity=False).hexdigest()
