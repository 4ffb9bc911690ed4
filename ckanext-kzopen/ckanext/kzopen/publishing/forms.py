"""The passport as the fields of an HTML form, and back. Names of inputs are the places in the passport: `title.kk`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.publishing.passport import Category, FieldType, Periodicity

Values = dict[str, str]
CATEGORIES: tuple[str, ...] = get_args(Category)
PERIODICITIES: tuple[str, ...] = get_args(Periodicity)
COMMON_TYPES: tuple[str, ...] = tuple(
    kind for kind in get_args(FieldType) if kind not in ("object", "array", "any", "yearmonth")
)
TEXTS = ("title", "description")
PLAIN = ("owner", "category", "periodicity")
COLUMN_PARTS = ("name", "type", "kk", "ru", "en", "required", "key", "pattern", "enum")
SHOWN_RULES = ("required", "pattern", "enum")
BETWEEN = ";"
SPARE_COLUMNS = 3
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
    columns = [column for n in range(columns_in(values)) if (column := _column(values, n))["name"]]
    fields = [_field(column) for column in columns]
    key = [column["name"] for column in columns if column["key"]]
    return {"fields": fields, "primaryKey": key}


def columns_in(values: Mapping[str, str]) -> int:
    """How many rows of columns the form has."""
    numbers = [int(name.split(".")[1]) for name in values if name.startswith("columns.") and name.split(".")[1].isdigit()]
    return min(max(numbers, default=-1) + 1, MOST_COLUMNS)


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
    if values := [value.strip() for value in column["enum"].split(BETWEEN) if value.strip()]:
        constraints["enum"] = values
    return field | ({"constraints": constraints} if constraints else {})


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
    return values | columns_as_values(schema["fields"], schema.get("primaryKey") or [])


def columns_as_values(fields: list[dict[str, Any]], key: list[str]) -> Values:
    """The form's inputs for the columns of a table schema."""
    values: Values = {}
    for n, field in enumerate(fields):
        constraints = field.get("constraints") or {}
        required = constraints.get("required")
        parts = {"name": field["name"], "type": field.get("type", "string")} | (field.get("title_translated") or {})
        parts |= {"required": "1" if required else "", "key": "1" if field["name"] in key else ""}
        parts |= {"pattern": str(constraints.get("pattern") or "")}
        parts |= {"enum": f"{BETWEEN} ".join(map(str, constraints.get("enum") or []))}
        values |= {f"columns.{n}.{part}": text for part, text in parts.items()}
    return values


def keep_unseen(described_schema: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The form's schema with what the form does not show (formats, patterns, lists of values) as it was before."""
    before = {field["name"]: field for field in known.get("fields", [])}
    fields = []
    for field in described_schema["fields"]:
        old = before.get(field["name"], {})
        same_type = old.get("type", "string") == field["type"]
        constraints = {k: v for k, v in (old.get("constraints") or {}).items() if k not in SHOWN_RULES} if same_type else {}
        constraints |= field.get("constraints", {})
        kept = {k: v for k, v in old.items() if k not in ("constraints", "title_translated")} if same_type else {}
        fields.append(kept | field | ({"constraints": constraints} if constraints else {}))
    return {**{k: v for k, v in known.items() if k != "fields"}, **described_schema, "fields": fields}
