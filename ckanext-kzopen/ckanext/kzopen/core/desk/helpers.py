"""What the shell's templates ask for."""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.names import name_of
from ckanext.kzopen.core.desk import registry
from ckanext.kzopen.core.desk.event_words import kind_word, verb_word
from ckanext.kzopen.core.desk.visitor import visitor
from flask import request


def kz_desks() -> list[dict[str, Any]]:
    """The navigation: title, address and whether the reader is there; the longest path that fits is where they are."""
    found = registry.desks_of(visitor())
    here = max((desk.path for desk in found if _is_below(request.path, desk.path)), key=len, default="")
    return [{"title": desk.title, "path": desk.path, "here": desk.path == here} for desk in found]


def kz_visitor() -> Any:
    """Who sits at the desk."""
    return visitor()


def kz_agency_name(agency: str | None) -> Any:
    """The name of an agency in languages; {} where there is none."""
    return name_of(model.Session, agency) if agency else {}


def kz_due_word(nearness: str) -> str:
    """How near the end of a term is, in a word; the pages never say it by colour alone."""
    words = {
        "overdue": tk._("Overdue"),
        "today": tk._("Due today"),
        "week": tk._("Due in the next five working days"),
        "later": tk._("Due later"),
        "none": tk._("Without a term"),
    }
    return words[nearness]


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


def kz_package_title(package: Any) -> Any:
    """The title of a package as CKAN's table holds it, in languages where it has some."""
    told = (package.extras or {}).get("title_translated")
    try:
        found = json.loads(told) if told else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) and any(found.values()) else package.title or package.name


def kz_event_kind(kind: str) -> Any:
    """What a kind of events is called."""
    return kind_word(kind)


def kz_event_verb(kind: str, verb: str) -> Any:
    """What happened, in a word or two."""
    return verb_word(kind, verb)


HELPERS = (kz_desks, kz_visitor, kz_agency_name, kz_due_word, kz_package_title, kz_event_kind, kz_event_verb)
