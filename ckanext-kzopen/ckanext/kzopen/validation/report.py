"""What a check found: complete counts, the first findings one by one, sentences in three languages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ckanext.kzopen.validation.cells import Reading
from ckanext.kzopen.validation.repairs.model import Repair
from ckanext.kzopen.validation.repairs.model import restored as repair_restored
from ckanext.kzopen.validation.sentences import sentence

LONGEST_TEXT = 5_000
"""Letters of a text of a report that is stored."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    `code`, `message` and `note` are frictionless's own. `row` is the position in the file from 1, the header counted;
    `number` is the position of the field from 1. `reason` names the case where one code has several sentences:
    the constraint, or why a file could not be read.
    """

    code: str
    message: str
    note: str = ""
    reason: str = ""
    row: int | None = None
    field: str | None = None
    number: int | None = None
    cell: str | None = None
    label: str | None = None
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def sentence(self, lang: str) -> str:
        """What is wrong and what to do about it, in kk, ru or en."""
        return sentence(self.code, self.reason, lang, self._params())

    def _params(self) -> dict[str, str]:
        named = {"row": self.row, "field": self.field, "number": self.number, "cell": self.cell, "label": self.label}
        return {name: str(value) for name, value in named.items() if value is not None} | dict(self.params)


@dataclass(frozen=True)
class Shown:
    """Some rows as they stand in the file, by their number, under the file's labels: `fields` are the names of the schema
    that the labels mean, in the order of the file."""

    labels: Sequence[str]
    fields: Sequence[str]
    rows: Mapping[int, Sequence[str]]


@dataclass(frozen=True)
class Report:
    """The outcome of one check; `counts` are complete, `findings` are the first ones in the order of the file, `repairs`
    what was mended (`done`) and what could be, `shown` the rows of the first findings or, without any, the first rows.

    `every` gives all findings from the first on, each made as it is read, where there may be more than `findings`; it holds
    the table, and is not stored.
    """

    rows: int
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    reading: Reading | None = None
    repairs: tuple[Repair, ...] = ()
    shown: Shown | None = None
    every: Callable[[], Iterator[Finding]] | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def valid(self) -> bool:
        """Whether nothing at all was found."""
        return not self.counts

    @property
    def errors(self) -> int:
        """How many errors there are, listed or not."""
        return sum(self.counts.values())

    def to_dict(self, lang: str) -> dict[str, Any]:
        """The report for a reader of `lang`; `listed` of `errors` are in `findings`."""
        return {
            "valid": self.valid,
            "rows": self.rows,
            "errors": self.errors,
            "listed": len(self.findings),
            "counts": dict(self.counts),
            "reading": asdict(self.reading) if self.reading else None,
            "repairs": [_repair_told(repair, lang) for repair in self.repairs],
            "findings": [_told(finding, lang) for finding in self.findings],
        }

    def stored(self) -> dict[str, Any]:
        """The report without a language, as JSON values that a database can keep; `restored` makes it a report again."""
        told = {
            "rows": self.rows,
            "counts": dict(self.counts),
            "findings": [asdict(finding) for finding in self.findings],
            "reading": asdict(self.reading) if self.reading else None,
            "repairs": [repair.stored() for repair in self.repairs],
            "shown": _shown_stored(self.shown),
        }
        return {name: _storable(value) for name, value in told.items()}


def _storable(value: Any) -> Any:
    """Texts without U+0000, which PostgreSQL keeps nowhere, and cut: a thousand findings may quote a megabyte each."""
    match value:
        case str():
            return (value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}…").replace("\0", "\ufffd")
        case dict():
            return {_storable(name): _storable(part) for name, part in value.items()}
        case list() | tuple():
            return [_storable(part) for part in value]
    return value


def _shown_stored(shown: Shown | None) -> dict[str, Any] | None:
    """Keys of JSON are texts, so rows are pairs."""
    if shown is None:
        return None
    return {
        "labels": shown.labels,
        "fields": shown.fields,
        "rows": [[number, list(row)] for number, row in shown.rows.items()],
    }


def restored(stored: Mapping[str, Any]) -> Report:
    """The report that `stored` was made of."""
    return Report(
        rows=stored["rows"],
        counts=stored["counts"],
        findings=tuple(Finding(**finding) for finding in stored["findings"]),
        reading=Reading(**stored["reading"]) if stored["reading"] else None,
        repairs=tuple(repair_restored(repair) for repair in stored.get("repairs") or ()),
        shown=_shown_restored(stored.get("shown")),
    )


def _shown_restored(stored: Mapping[str, Any] | None) -> Shown | None:
    return Shown(stored["labels"], stored["fields"], dict(stored["rows"])) if stored else None


def _repair_told(repair: Repair, lang: str) -> dict[str, Any]:
    return repair.stored() | {"once": repair.once, "sentence": repair.sentence(lang)}


def _told(finding: Finding, lang: str) -> dict[str, Any]:
    told = {name: value for name, value in asdict(finding).items() if name not in ("params", "number")}
    return told | {"field_number": finding.number, "sentence": finding.sentence(lang)}
