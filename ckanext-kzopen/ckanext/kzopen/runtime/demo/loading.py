"""Brings data sets through the universal API, a few at once; doing it again changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ckanext.kzopen.runtime.demo.api import Answer, Api, Refused

PARALLEL = 3
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
End = Literal["loaded", "unchanged", "refused", "repeat"]
Advance = Callable[["Outcome"], None]


@dataclass(frozen=True)
class File:
    """The bytes of a table and the name that tells their format."""

    name: str
    body: bytes

    @property
    def media_type(self) -> str:
        """What the bytes are, by the ending of the name."""
        return MEDIA_TYPES[Path(self.name).suffix.lower()]


@dataclass(frozen=True)
class Item:
    """One data set to bring: its passport as the universal API takes it, and its table, if it has one."""

    uri: str
    passport: Mapping[str, Any]
    table: File | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one thing to be brought; `name` is its URI, or its file where it did not come to a URI."""

    name: str
    end: End
    reason: str = ""
    rows: int = 0


@dataclass(frozen=True)
class Summary:
    """What became of everything."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many ended how."""
        return dict(Counter(outcome.end for outcome in self.outcomes))

    def ended(self, end: End) -> list[Outcome]:
        """Those that ended so."""
        return [outcome for outcome in self.outcomes if outcome.end == end]


def bring_all(api: Api, items: Iterable[Item], advance: Advance, parallel: int = PARALLEL) -> Summary:
    """Bring every item; `advance` is told of each as it ends. What the portal refuses is an outcome, not an error."""

    def one(item: Item) -> Outcome:
        outcome = bring(api, item)
        advance(outcome)
        return outcome

    with ThreadPoolExecutor(parallel, thread_name_prefix="demo") as pool:
        return Summary(list(pool.map(one, items)))


def bring(api: Api, item: Item) -> Outcome:
    """Bring one data set: its passport, then its table; what is there already is not sent again."""
    try:
        known = api.data_set(item.uri)
        same = known is not None and same_passport(known, item.passport)
        if not same:
            api.put_data_set(item.uri, item.passport)
        if item.table is None:
            return Outcome(item.uri, "unchanged" if same else "loaded")
        return _bring_table(api, item, item.table, (known or {}).get("version"), same)
    except Refused as refusal:
        return Outcome(item.uri, "refused", str(refusal))


def _bring_table(api: Api, item: Item, table: File, version: Answer | None, same: bool) -> Outcome:
    """Send the table unless the current `version` was made of the same bytes under the `same` passport."""
    if same and version and _made_of(api, version, table.body):
        return Outcome(item.uri, "unchanged", rows=version["rows"])
    key = key_of(item.passport["schema"], table.body, version["number"] if version else 0)
    delivery = api.post_rows(item.uri, table.body, table.media_type, key, table.name)
    if delivery["state"] != "accepted":
        return Outcome(item.uri, "refused", " ".join(api.findings(delivery["id"])) or delivery["state_label"])
    return Outcome(item.uri, "loaded", rows=delivery["rows"])


def _made_of(api: Api, version: Answer, body: bytes) -> bool:
    delivery = version["delivery"]
    return delivery is not None and api.delivery(delivery)["sha256"] == hashlib.sha256(body).hexdigest()


def same_passport(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the data set as the API tells it has the passport that we would send."""
    return all(_bare(known.get(name)) == _bare(value) for name, value in wanted.items())


def _bare(value: Any) -> Any:
    """The value without empty parts, which the API leaves out of its answers."""
    if isinstance(value, Mapping):
        return {key: bare for key, part in value.items() if (bare := _bare(part)) not in ("", None, {}, [])}
    return [_bare(part) for part in value] if isinstance(value, list) else value


def key_of(schema: Any, body: bytes, after: int = 0) -> str:
    """An idempotency key that is the same for the same schema and bytes after the same version, and differs for all others.

    With the version in it, content that somebody replaced meanwhile is brought back instead of answered as sent before.
    """
    digest = hashlib.sha256(json.dumps(schema, sort_keys=True).encode() + b"\0" + body)
    return f"demo-{digest.hexdigest()}-{after}"


def nobody(outcome: Outcome) -> None:
    """Progress that nobody watches."""
