"""What the portal answers, typed. A field that a later portal adds is kept in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

UNDER_WAY = ("received", "checking", "failed")


@dataclass(frozen=True)
class Recorded:
    """A leaf of the public record: its place from 0, its hash in hex, the address of the certificate with its proof."""

    index: int
    hash: str
    certificate: str

    @classmethod
    def of(cls, told: dict[str, Any]) -> Recorded:
        return cls(told["index"], told["hash"], told["certificate"])


@dataclass(frozen=True)
class Version:
    """One version of a table; it never changes.

    `record` is its place in the public record, `rows_sha256` the checksum over its rows, told of some.
    """

    number: int
    rows: int
    sha256: str
    links: dict[str, str] = field(default_factory=dict)
    record: Recorded | None = None
    rows_sha256: str | None = None

    @classmethod
    def of(cls, told: dict[str, Any]) -> Version:
        record = Recorded.of(told["record"]) if told.get("record") else None
        return cls(told["number"], told["rows"], told["sha256"], told.get("links", {}), record, told.get("rows_sha256"))


@dataclass(frozen=True)
class Stop:
    """Why a delivery lies in quarantine."""

    kind: str
    sentence: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the rows; `row` counts from 1, the header included."""

    code: str
    sentence: str
    row: int | None = None
    field: str | None = None
    cell: str | None = None

    @classmethod
    def of(cls, told: dict[str, Any]) -> Finding:
        return cls(told["code"], told["sentence"], told.get("row"), told.get("field"), told.get("cell"))


@dataclass(frozen=True)
class Delivery:
    """Rows that were sent, and what became of them."""

    id: str
    dataset: str
    mode: str
    state: str
    state_label: str
    size: int
    sha256: str
    rows: int | None
    added: int | None
    changed: int | None
    unchanged: int | None
    removed: int | None
    wrong: int | None
    version: Version | None
    stops: tuple[Stop, ...]
    publish_at: datetime | None
    raw: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def under_way(self) -> bool:
        """Whether the portal still works on it."""
        return self.state in UNDER_WAY or (self.state == "accepted" and self.raw.get("settled") is None)

    @classmethod
    def of(cls, told: dict[str, Any]) -> Delivery:
        counts = {name: told[name] for name in ("rows", "added", "changed", "unchanged", "removed", "wrong")}
        return cls(
            id=told["id"],
            dataset=told["dataset"],
            mode=told["mode"],
            state=told["state"],
            state_label=told["state_label"],
            size=told["size"],
            sha256=told["sha256"],
            version=Version.of(told["version"]) if told.get("version") else None,
            stops=tuple(Stop(stop["kind"], stop["sentence"], stop["params"]) for stop in told.get("stops", ())),
            publish_at=_moment(told.get("publish_at")),
            raw=told,
            **counts,
        )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
