"""The list of withdrawals that lies beside the stored files, out of the database: a restored backup is told of all of them.

A backup holds what was withdrawn after it was made. Each withdrawal is therefore noted in a file `withdrawn/<id>.json` of the
store of files: as a place of its own, so it is repeated until it is done, and the doctor looks for it. `again` gives the
orders of such a list to a portal that does not know of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core import files
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal import kinds
from ckanext.kzopen.core.withdrawal.model import Withdrawal
from ckanext.kzopen.core.withdrawal.order import Order, order
from ckanext.kzopen.core.withdrawal.places import Place, register
from ckanext.kzopen.core.withdrawal.things import Thing
from ckanext.kzopen.core.withdrawal.tombstones import tombstone
from sqlalchemy.orm import Session

FOLDER = "withdrawn"
TOLD = ("kind", "object_id", "name", "agency", "parts", "public", "title", "reason", "law", "actor")
SAME = "sha256"
"""The part of a thing that tells it from another under the same id: after a restored backup, versions are numbered anew."""

Statement = dict[str, Any]
"""A withdrawal as it is noted: TOLD, and `at` in ISO 8601."""


def note(session: Session, thing: Thing) -> None:
    """Note the withdrawal of the thing in the list."""
    row = tombstone(session, thing.kind, thing.id)
    if row is None:
        return
    store = files.of(tk.config["kzopen.files_url"])
    with store.scratch(FOLDER) as temporary:
        temporary.write_text(json.dumps(_statement(row), ensure_ascii=False), encoding="utf-8")
        store.keep(temporary, _name(row))


def is_noted(session: Session, thing: Thing) -> bool:
    """Whether the list knows of it; there is nothing to note of what was not withdrawn."""
    row = tombstone(session, thing.kind, thing.id)
    return row is None or files.of(tk.config["kzopen.files_url"]).exists(_name(row))


def _name(row: Withdrawal) -> str:
    return f"{FOLDER}/{row.id}.json"


def _statement(row: Withdrawal) -> Statement:
    return {name: getattr(row, name) for name in TOLD} | {"at": row.at.isoformat()}


def statements(files_url: str) -> list[Statement]:
    """The list of a store, the oldest withdrawal first."""
    store = files.of(files_url)
    names = [entry.name for entry in store.listing(FOLDER) if entry.name.endswith(".json")]
    return in_order(store.path(name).read_text(encoding="utf-8") for name in names)


def statements_below(folder: Path) -> list[Statement]:
    """The list in the folder `withdrawn`, in the folder of files above it, or in a data directory, the oldest first.

    ValueError when none of them is there. A portal that has withdrawn nothing has its files and no list.
    """
    places = [folder] if folder.name == FOLDER else [folder / FOLDER, folder / "files" / FOLDER]
    found = [place for place in places if place.is_dir()]
    if not found and not (folder / "files").is_dir():
        raise ValueError(f"it holds no list; give a data directory, or its files/{FOLDER}")
    return in_order(file.read_text(encoding="utf-8") for place in found for file in place.glob("*.json"))


def in_order(texts: Iterable[str]) -> list[Statement]:
    """Statements as they were noted, the oldest first; ValueError for what is none."""
    found = [json.loads(text) for text in texts]
    if not all(isinstance(one, dict) and {*TOLD, "at"} <= one.keys() for one in found):
        raise ValueError("this is no list of withdrawals")
    return sorted(found, key=lambda one: str(one["at"]))


def again(session: Session, told: Iterable[Statement]) -> Iterator[Withdrawal]:
    """Give every order of the list that this database does not know of, each in a transaction of its own.

    Each keeps its first moment. What is not there is passed over: it cannot be seen, and its id may come to belong to another
    version.
    """
    for statement in told:
        thing = _still_there(session, statement)
        if thing is None or tombstone(session, thing.kind, thing.id) is not None:
            continue
        title, moment = statement["title"], datetime.fromisoformat(statement["at"])
        given = Order(statement["reason"], statement["actor"], statement["law"], keep_title=bool(title), at=moment)
        row = order(session, thing, given)
        session.commit()
        yield row


def _still_there(session: Session, statement: Statement) -> Thing | None:
    """The very thing that was withdrawn, as it is now."""
    for reference in (statement["object_id"], statement["name"]):
        try:
            found = kinds.find(session, statement["kind"], reference)
        except KzError:
            continue
        if found.id == statement["object_id"] and found.parts.get(SAME) == statement["parts"].get(SAME):
            return found
    return None


register(
    Place(
        "list",
        {
            "kk": "Көшірмеден қалпына келтірілген портал сақтайтын алып тастаулар тізімі",
            "ru": "Список изъятий для портала, восстановленного из копии",
            "en": "The list of withdrawals for a portal restored from a backup",
        },
        note,
        is_noted,
    )
)
