"""Fields of the forms about agencies: what was typed as the actions take it, and beside which field an error is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckan import model
from ckanext.kzopen.core.agencies.model import NAMES, SHORT_NAMES, Agency
from ckanext.kzopen.core.reorganisation import searching, showing
from ckanext.kzopen.core.reorganisation.planning import Directory
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError

FIELDS = {
    "agencies.name_missing": "name_kk",
    "agencies.name_same": "name_kk",
    "agencies.date_wrong": "since",
    "agencies.name_since_taken": "since",
    "agencies.before_last_name": "since",
    "agencies.place_since_taken": "since",
    "agencies.address_wrong": "address",
    "agencies.address_taken": "address",
    "agencies.bin_wrong": "bin",
    "agencies.bin_taken": "bin",
    "agencies.kato_wrong": "kato",
    "agencies.kind_unknown": "kind",
    "agencies.circle": "agency",
    "agencies.choose_above": "agency",
    "agencies.choose_found": "agency",
    "agencies.none_found": "agency",
    "agencies.own_successor": "agency",
    "agencies.successor_liquidated": "agency",
    "agencies.successor_needed": "agency",
    "agencies.not_sure": "sure",
}
MOST_FOUND = 20
LONGEST = 200


def field_of(code: str) -> str:
    """The field beside which an error is told; "" is the head of the form."""
    return FIELDS.get(code, "")


def filled(form: Mapping[str, str], *fields: str) -> dict[str, str]:
    """What was typed into these fields, without the empty ones."""
    return {name: text for name in fields if (text := form.get(name, "").strip())}


def names(form: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """`title` and `short` by language."""
    return {
        key: {language: text for language in LANGUAGES if (text := form.get(f"{column}_{language}", "").strip())}
        for key, column in (("title", "name"), ("short", "short"))
    }


def of_names(row: Agency) -> dict[str, str]:
    """The present names as the form's fields."""
    return {column: getattr(row, column) or "" for column in (*NAMES, *SHORT_NAMES)}


def chosen(form: Mapping[str, str], own: str, shown: dict[str, Any]) -> str | None:
    """The id of the agency that was written or then chosen, None for an empty field.

    Where only a part of a name was written, those that fit, but for the agency itself, are put into `shown`, to be chosen
    from; raises KzError.
    """
    asked = " ".join(form.get("agency", "").split())[:LONGEST]
    if not asked:
        return None
    exact = Directory(model.Session).find(asked)
    if exact is not None and exact.state == "active":
        return exact.id
    fitting = _fitting(asked, own)
    picked = form.get("found", "")
    if picked in {row["id"] for row in fitting}:
        return picked
    shown["found"] = fitting
    raise KzError("agencies.choose_found" if fitting else "agencies.none_found", text=asked)


def _fitting(asked: str, own: str) -> list[dict[str, Any]]:
    found = searching.matching(model.Session, asked) - {own}
    rows = [row for row in showing.listed(model.Session) if row["id"] in found and row["state"] == "active"]
    return rows[:MOST_FOUND]
