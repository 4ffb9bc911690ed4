"""The form of reference tables: hierarchical classifiers with codes, parents, names in three languages and days of validity.

A code may stand in several rows, one for each span in which it meant something; spans of one code do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import lines

BEGINNING = "0001-01-01"
"""Since when a code counts whose beginning nobody tells."""
SCHEMA: dict[str, Any] = {
    "fields": [
        {
            "name": "code",
            "type": "string",
            "title_translated": {"kk": "Код", "ru": "Код", "en": "Code"},
            "constraints": {"required": True},
        },
        {"name": "parent", "type": "string", "title_translated": {"kk": "Жоғарғы код", "ru": "Код выше", "en": "Parent"}},
        {
            "name": "name_kk",
            "type": "string",
            "title_translated": {"kk": "Атауы (қаз)", "ru": "Название (каз)", "en": "Name (kk)"},
        },
        {
            "name": "name_ru",
            "type": "string",
            "title_translated": {"kk": "Атауы (орыс)", "ru": "Название (рус)", "en": "Name (ru)"},
        },
        {
            "name": "name_en",
            "type": "string",
            "title_translated": {"kk": "Атауы (ағыл)", "ru": "Название (англ)", "en": "Name (en)"},
        },
        {
            "name": "valid_from",
            "type": "date",
            "title_translated": {"kk": "Қолданыла бастаған күн", "ru": "Действует с", "en": "Valid from"},
            "constraints": {"required": True},
        },
        {
            "name": "valid_until",
            "type": "date",
            "title_translated": {"kk": "Қолданылған соңғы күн", "ru": "Действует по", "en": "Valid until"},
        },
        {"name": "kato", "type": "string", "title_translated": {"kk": "КАТО коды", "ru": "Код КАТО", "en": "KATO code"}},
    ],
    "primaryKey": ["code", "valid_from"],
}


@dataclass(frozen=True)
class Entry:
    """A code and what it means from `valid_from` to `valid_until` (both inclusive; "" = still)."""

    code: str
    parent: str = ""
    name_kk: str = ""
    name_ru: str = ""
    name_en: str = ""
    valid_from: str = BEGINNING
    valid_until: str = ""
    kato: str = ""


def day(value: Any) -> str:
    """A day in ISO form out of the notations that registers use; "" for none, KzError harvest.odd_item for no day."""
    text = str(value or "").strip()
    if not text:
        return ""
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d"):
        try:
            return datetime.strptime(text[: 8 if form == "%Y%m%d" else 10], form).date().isoformat()
        except ValueError:
            continue
    raise KzError("harvest.odd_item", problem=f"{text[:30]}: no day")


def write(entries: Iterable[Entry], into: Path, limit: int) -> int:
    """Write checked entries as lines of JSON, at most `limit` bytes; how many."""
    rows = ({name: value or None for name, value in asdict(entry).items()} for entry in checked(entries))
    return lines.write(rows, into, limit)


def checked(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries by code and day, each once.

    KzError harvest.odd_item for a code without a name, a parent that is not there, a circle of parents, overlapping spans.
    """
    found = sorted(set(entries), key=lambda entry: (entry.code, entry.valid_from))
    parents = {entry.code: entry.parent for entry in found}
    before: Entry | None = None
    for entry in found:
        _check(entry, parents)
        if before is not None and before.code == entry.code and (before.valid_until or "9999-12-31") >= entry.valid_from:
            raise KzError("harvest.odd_item", problem=f"{entry.code}: {before.valid_from} … {entry.valid_from}")
        before = entry
    _refuse_circles(parents)
    yield from found


def _check(entry: Entry, parents: Mapping[str, str]) -> None:
    if not entry.code or not (entry.name_kk or entry.name_ru):
        raise KzError("harvest.odd_item", problem=f"{entry.code or '–'}: no code or name")
    if entry.parent and entry.parent not in parents:
        raise KzError("harvest.odd_item", problem=f"{entry.code}: parent {entry.parent}")
    if entry.valid_until and entry.valid_until < entry.valid_from:
        raise KzError("harvest.odd_item", problem=f"{entry.code}: {entry.valid_from} > {entry.valid_until}")


def _refuse_circles(parents: Mapping[str, str]) -> None:
    above: set[str] = set()
    for code in parents:
        path: dict[str, None] = {}
        at = code
        while at and at not in above:
            if at in path:
                raise KzError("harvest.odd_item", problem=f"{at}: circle")
            path[at] = None
            at = parents.get(at, "")
        above |= path.keys()


def is_valid(entry: Mapping[str, Any], at: date) -> bool:
    """Whether a row of a reference table holds on a day."""
    begins, ends = entry.get("valid_from"), entry.get("valid_until")
    return (begins is None or begins <= at) and (ends is None or at <= ends)
