"""What stops a delivery that is free of errors until a person has looked: personal data, and losing more than is usual."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.rules import Thresholds

PERSONAL: dict[str, Words] = {
    "iin": {"kk": "ЖСН", "ru": "ИИН", "en": "IIN"},
    "phone": {"kk": "телефон", "ru": "телефон", "en": "telephone"},
    "card": {"kk": "банк картасының нөмірі", "ru": "номер банковской карты", "en": "number of a bank card"},
    "email": {"kk": "электрондық пошта", "ru": "электронная почта", "en": "e-mail"},
    "birth_date": {
        "kk": "аты-жөнімен қатар туған күн",
        "ru": "дата рождения рядом с именем",
        "en": "birth date beside a name",
    },
}


@dataclass(frozen=True)
class Stop:
    """One reason to stop: `kind` chooses the sentence `publishing.stop_<kind>`, `params` fill it."""

    kind: str
    params: Mapping[str, Any]

    def stored(self) -> dict[str, Any]:
        """As JSON values; `told` makes a sentence of them."""
        return asdict(self)


@dataclass(frozen=True)
class Change:
    """What a delivery would do: rows before, rows sent (to delete: keys that are there), columns before and after, and which
    of them have another type than before."""

    mode: str
    before: int
    sent: int
    old_columns: Sequence[str]
    new_columns: Collection[str]
    retyped: Sequence[str] = ()

    @property
    def left(self) -> int:
        """How many of the rows before are left, or take their place."""
        if self.mode == "replace":
            return self.sent
        return max(0, self.before - self.sent) if self.mode == "delete" else self.before


def empties(change: Change) -> bool:
    """Whether a table with rows would be replaced by one without."""
    return change.mode == "replace" and change.before > 0 and change.sent == 0


def losses(change: Change, allowed: Thresholds) -> list[Stop]:
    """The thresholds that the change would cross."""
    if empties(change):
        return [Stop("empty", {"before": change.before})] if allowed.empty == "quarantine" else []
    found = []
    if allowed.loss is not None and change.before - change.left > allowed.loss * change.before:
        found.append(Stop("loss", {"before": change.before, "after": change.left}))
    lost = [name for name in change.old_columns if name not in change.new_columns] if change.mode == "replace" else []
    if lost and allowed.columns == "quarantine":
        found.append(Stop("columns", {"columns": lost}))
    if change.retyped and change.mode == "replace" and allowed.columns == "quarantine":
        found.append(Stop("retyped", {"columns": list(change.retyped)}))
    return found


def is_covered(stop: Stop, seen: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a person who saw the stored stops `seen` has seen this one; a greater loss than theirs is another."""
    return any(_is_less(stop.params, one["params"]) for one in seen if one["kind"] == stop.kind)


def _is_less(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Whether a stop says no more than one of its kind did, whatever the number of rows is by now."""
    if "after" in now:
        return _share_left(then) <= _share_left(now)
    if "columns" in now:
        return set(now["columns"]) <= set(then["columns"])
    return (now.get("column"), now.get("what")) == (then.get("column"), then.get("what"))


def _share_left(params: Mapping[str, Any]) -> float:
    return float(params["after"] / params["before"])


def told(stop: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A stored stop with its sentence in the reader's language."""
    params = dict(stop["params"])
    if "what" in params:
        params["what"] = PERSONAL[params["what"]]
    sentence = KzError(f"publishing.stop_{stop['kind']}", **params).text(language)
    return {"kind": stop["kind"], "params": stop["params"], "sentence": sentence}
