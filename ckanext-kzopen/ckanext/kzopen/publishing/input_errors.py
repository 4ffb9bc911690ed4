"""What pydantic finds wrong with people's input, as errors of ours: pydantic's own words are English only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import staff
from pydantic import ValidationError
from pydantic_core import ErrorDetails

PATTERNS = {"uri": "publishing.input_uri", "email": "publishing.input_email", "phone": "publishing.input_phone"}
OURS = (
    "input_column_name",
    "input_columns_repeat",
    "input_key_unknown",
    "input_key_wide",
    "input_key_nested",
    "input_foreign_key",
    "input_rule",
    "input_pattern",
    "input_enum",
    "input_bounds",
)
EMPTY = ("missing", "string_type", "too_short")


def by_place(error: ValidationError) -> dict[str, KzError]:
    """One error for each place in the input (`title.kk`, `schema.fields.0.name`; "" is the whole)."""
    found: dict[str, KzError] = {}
    for detail in error.errors():
        found.setdefault(".".join(map(str, detail["loc"])), _told(detail))
    return found


def _told(detail: ErrorDetails) -> KzError:
    kind, place = detail["type"], detail["loc"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind in OURS:
        return KzError(f"publishing.{kind}", **{**context, **_type_in_words(context)})
    if kind in EMPTY or (kind == "string_too_short" and not detail["input"]):
        return KzError("publishing.input_missing")
    if kind == "string_pattern_mismatch":
        return KzError(PATTERNS.get(str(place[-1]) if place else "uri", "publishing.input_value"))
    if kind == "string_too_long":
        return KzError("publishing.input_too_long", limit=context["max_length"])
    if kind == "string_too_short":
        return KzError("publishing.input_too_short", limit=context["min_length"])
    return _of_kind(kind, context)


def _type_in_words(context: Mapping[str, Any]) -> dict[str, Any]:
    """The type of a column as the form calls it, where the error names one."""
    return {"kind": staff.TYPES.get(context["kind"], context["kind"])} if "kind" in context else {}


def _of_kind(kind: str, context: Mapping[str, Any]) -> KzError:
    if kind == "literal_error":
        return KzError("publishing.input_choice", choices=str(context["expected"]))
    if kind == "extra_forbidden":
        return KzError("publishing.input_unknown_key")
    if kind in ("json_invalid", "input_nul"):
        return KzError("publishing.input_json" if kind == "json_invalid" else "publishing.input_nul")
    return KzError("publishing.input_value")
