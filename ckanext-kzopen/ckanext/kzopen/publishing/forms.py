"""The passport as the fields of an HTML form, and back. Names of inputs are the places in the passport: `title.kk`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, get_args

from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.publishing.passport import Category, FieldType, Periodicity
from ckanext.kzopen.rows.references import Reference, references

Values = dict[str, str]
CATEGORIES: tuple[str, ...] = get_args(Category)
PERIODICITIES: tuple[str, ...] = get_args(Periodicity)
COMMON_TYPES: tuple[str, ...] = tuple(
    kind for kind in get_args(FieldType) if kind not in ("object", "array", "any", "yearmonth")
)
TEXTS = ("title", "description")
PLAIN = ("owner", "category", "periodicity")
COLUMN_PARTS = ("name", "type", "kk", "ru", "en", "required", "key", "pattern", "enum", "reference", "indexed", "notation")
CODES = "code"
"""The column of a reference table that holds its codes."""
OWN = "#"
"""Stands before the name of a column where the codes are those of the table itself."""
NOTATION = ("format", "decimalChar", "groupChar", "trueValues", "falseValues", "missingValues")
"""How a column's values are written: a hidden input carries it, since the form does not ask for it."""
SHOWN_RULES = ("required", "pattern", "enum")
BETWEEN = ";"
SPARE_COLUMNS = 3
MORE_COLUMNS = 10
MOST_COLUMNS = 200


def described(values: Mapping[str, str]) -> dict[str, Any]:
    """What the form's inputs say, as the universal API would get it."""
    found: dict[str, Any] = {name: _languages(values, name) for name in TEXTS}
    found |= {name: values.get(name, "") for name in PLAIN}
    found["keywords"] = {language: _words(values.get(f"keywords.{language}", "")) for language in LANGUAGES}
    if any(values.get(f"responsible.{part}") for part in ("name.kk", "name.ru", "email", "phone")):
        found["responsible"] = {"name": _languages(values, "responsible.name")} | {
            part: values[f"responsible.{part}"] for part in ("email", "phone") if values.get(f"responsible.{part}")
        }
    found["schema"] = _schema(values)
    return found


def _languages(values: Mapping[str, str], name: str) -> dict[str, str]:
    return {language: values.get(f"{name}.{language}", "") for language in LANGUAGES}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _schema(values: Mapping[str, str]) -> dict[str, Any]:
    columns = [_column(values, n) for n in named_rows(values)]
    fields = [_field(column) for column in columns]
    key = [column["name"] for column in columns if column["key"]]
    keys = [_reference(name, told) for name, told in references_in(values).items() if told]
    return {"fields": fields, "primaryKey": key} | ({"foreignKeys": keys} if keys else {})


def _reference(column: str, told: str) -> dict[str, Any]:
    own = own_column(told)
    reference = {"resource": told, "fields": CODES} if own is None else {"resource": "", "fields": own}
    return {"fields": column, "reference": reference}


def own_column(told: str) -> str | None:
    """The column of the table itself that the form names as a reference; None where it names another table."""
    return told.removeprefix(OWN).strip() if told.startswith(OWN) else None


def looked_up(values: Mapping[str, str]) -> set[str]:
    """The names of the columns by which readers ask."""
    return {_column(values, n)["name"] for n in named_rows(values) if _column(values, n)["indexed"]}


def references_in(values: Mapping[str, str]) -> Values:
    """By column the reference table that the form names, or the own column after OWN, "" for none; without columns of which
    it does not tell."""
    told = (n for n in named_rows(values) if f"columns.{n}.reference" in values)
    return {column["name"]: column["reference"] for column in (_column(values, n) for n in told)}


def references_of(schema: Mapping[str, Any]) -> Values:
    """By column what the form tells of its reference: the first one that the column has on its own."""
    return {one.columns[0]: _told(one) for one in reversed(references(schema)) if len(one.columns) == 1}


def _told(reference: Reference) -> str:
    return reference.uri or f"{OWN}{reference.codes[0]}"


def columns_in(values: Mapping[str, str]) -> int:
    """How many rows of columns the form has."""
    numbers = [int(name.split(".")[1]) for name in values if name.startswith("columns.") and name.split(".")[1].isdigit()]
    return min(max(numbers, default=-1) + 1, MOST_COLUMNS)


def named_rows(values: Mapping[str, str]) -> list[int]:
    """The rows of the form that are columns, in their order in the schema."""
    return [n for n in range(columns_in(values)) if _column(values, n)["name"]]


def columns_named(values: Mapping[str, str]) -> list[str]:
    """The names of the columns, in the order of `named_rows`."""
    return [_column(values, n)["name"] for n in named_rows(values)]


def _column(values: Mapping[str, str], n: int) -> Values:
    return {part: values.get(f"columns.{n}.{part}", "").strip() for part in COLUMN_PARTS}


def _field(column: Values) -> dict[str, Any]:
    titles = {language: column[language] for language in LANGUAGES if column[language]}
    field: dict[str, Any] = {"name": column["name"], "type": column["type"] or "string"}
    if titles:
        field["title_translated"] = titles
    constraints: dict[str, Any] = {"required": True} if column["required"] or column["key"] else {}
    if column["pattern"] and field["type"] == "string":
        constraints["pattern"] = column["pattern"]
    if values := _allowed(column["enum"]):
        constraints["enum"] = values
    if column["indexed"]:
        field["indexed"] = True
    return field | _notation(column, field["type"]) | ({"constraints": constraints} if constraints else {})


def _allowed(text: str) -> list[str]:
    return [value.strip() for value in text.split(BETWEEN) if value.strip()]


def _as_text(allowed: Collection[Any]) -> str:
    return f"{BETWEEN} ".join(map(str, allowed))


def _notation(column: Values, kind: str) -> dict[str, Any]:
    """The notation that the column had when the form was shown; none when a person has given it another type since."""
    try:
        told = json.loads(column["notation"] or "{}")
    except (ValueError, RecursionError):
        return {}
    same_type = isinstance(told, dict) and told.get("type") == kind
    return {name: told[name] for name in NOTATION if told.get(name)} if same_type else {}


def with_notation(values: Mapping[str, str]) -> set[str]:
    """The names of the columns whose notation the form tells, be it the plain one."""
    columns = (_column(values, n) for n in named_rows(values))
    return {column["name"] for column in columns if column["notation"]}


def values_of(passport: Mapping[str, Any]) -> Values:
    """The form's inputs for a passport as the universal API gives it."""
    values = {name: str(passport.get(name) or "") for name in PLAIN}
    responsible = passport.get("responsible") or {}
    for name, texts in (
        *((name, passport.get(name)) for name in TEXTS),
        ("responsible.name", responsible.get("name")),
    ):
        values |= {f"{name}.{language}": text for language, text in (texts or {}).items()}
    values |= {f"responsible.{part}": responsible.get(part) or "" for part in ("email", "phone")}
    values |= {f"keywords.{lang}": ", ".join(words) for lang, words in (passport.get("keywords") or {}).items()}
    schema = passport["schema"]
    return values | columns_as_values(schema["fields"], schema.get("primaryKey") or [], references_of(schema))


def columns_as_values(fields: list[dict[str, Any]], key: list[str], tables: Mapping[str, str] | None = None) -> Values:
    """The form's inputs for the columns of a table schema; `tables` are their reference tables, by column."""
    values: Values = {}
    for n, field in enumerate(fields):
        constraints = field.get("constraints") or {}
        required = constraints.get("required")
        parts = {"name": field["name"], "type": field.get("type", "string")} | (field.get("title_translated") or {})
        parts |= {"required": "1" if required else "", "key": "1" if field["name"] in key else ""}
        parts |= {"pattern": str(constraints.get("pattern") or "")}
        parts |= {"enum": _as_text(constraints.get("enum") or [])}
        parts |= {"indexed": "1" if field.get("indexed") else ""}
        parts |= {"reference": (tables or {}).get(field["name"], "")}
        written = {"type": parts["type"]} | {name: field[name] for name in NOTATION if field.get(name)}
        parts |= {"notation": json.dumps(written, ensure_ascii=False)}
        values |= {f"columns.{n}.{part}": text for part, text in parts.items()}
    return values


def keep_unseen(
    described_schema: dict[str, Any],
    known: Mapping[str, Any],
    told: Collection[str] = (),
    chosen: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The form's schema with what the form does not show (bounds, descriptions, keys of several columns) as it was before; so
    is the notation of columns, but of those in `told`, whose notation the form told itself, and the reference table, but of
    those in `chosen` (`references_in`)."""
    before = {field["name"]: field for field in known.get("fields", [])}
    fields = []
    for field in described_schema["fields"]:
        old = before.get(field["name"], {})
        same_type = old.get("type", "string") == field["type"]
        constraints = {k: v for k, v in (old.get("constraints") or {}).items() if k not in SHOWN_RULES} if same_type else {}
        constraints |= field.get("constraints", {})
        allowed = (old.get("constraints") or {}).get("enum") or []
        if same_type and allowed and _allowed(_as_text(allowed)) == constraints.get("enum"):
            constraints["enum"] = allowed  # numbers stay numbers, and a value with the sign between values stays one
        left_out = ("constraints", "title_translated", "indexed", *(NOTATION if field["name"] in told else ()))
        kept = {k: v for k, v in old.items() if k not in left_out} if same_type else {}
        fields.append(kept | field | ({"constraints": constraints} if constraints else {}))
    whole = {**{k: v for k, v in known.items() if k not in ("fields", "foreignKeys")}, **described_schema, "fields": fields}
    keys = _foreign_keys({field["name"] for field in fields}, described_schema, known, chosen or {})
    return whole | ({"foreignKeys": keys} if keys else {})


def _foreign_keys(
    names: Collection[str], described_schema: Mapping[str, Any], known: Mapping[str, Any], chosen: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The keys that there were, but those of columns that went or for which the form names another table; then its own."""
    before = references_of(known)
    changed = {column for column, uri in chosen.items() if uri != before.get(column, "")}
    kept = []
    for key in known.get("foreignKeys") or []:
        alone = {"foreignKeys": [key]}
        columns = {column for one in references(alone) for column in one.columns}
        shown = {column for column, uri in references_of(alone).items() if uri == before[column]}
        if columns <= set(names) and not shown & changed:
            kept.append(key)
    return kept + [key for key in described_schema.get("foreignKeys") or [] if key["fields"] in changed]
