"""The form of a kind's settings, out of its model: labels, hints, types; and what was typed, back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.publishing.harvest.kinds import Say, Settings
from pydantic import SecretStr
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class FormField:
    """One setting: `type` is text, long, secret, number, yes or choice; `choices` are the values of a choice and their labels.

    `place` is its name in the form, where the source's own name and title are too.
    """

    name: str
    label: Words
    hint: Words | None
    type: str
    required: bool
    default: Any
    choices: Mapping[str, Words] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"setting-{self.name}"


def fields_of(model: type[Settings]) -> list[FormField]:
    """The fields of a form, in the order of the model. A setting without `Say` is called by its name."""
    return [_field(name, info) for name, info in model.model_fields.items()]


def _field(name: str, info: FieldInfo) -> FormField:
    say = next((part for part in info.metadata if isinstance(part, Say)), Say(name, name, name))
    kind, values = _type(info)
    choices = {value: say.choices.get(value, {"kk": value, "ru": value, "en": value}) for value in values}
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return FormField(name, say.label, say.hint, kind, info.is_required(), default, choices)


def _type(info: FieldInfo) -> tuple[str, tuple[str, ...]]:
    plain = _without_none(info.annotation)
    if plain is SecretStr:
        return "secret", ()
    if plain is bool:
        return "yes", ()
    if plain in (int, float):
        return "number", ()
    if get_origin(plain) is Literal:
        return "choice", tuple(map(str, get_args(plain)))
    if get_origin(plain) in (dict, list):
        return "long", ()
    return "text", ()


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(part for part in get_args(annotation) if part is not NoneType)
    return annotation


def typed(model: type[Settings], values: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, as the model takes it: empty fields are left out, lists are lines, mappings are lines `name = value`."""
    found: dict[str, Any] = {}
    for one in fields_of(model):
        text = values.get(one.place, "").strip()
        if one.type == "yes":
            found[one.name] = text in ("1", "on", "true", "yes")
        elif text:
            found[one.name] = _lines(model, one.name, text) if one.type == "long" else text
    return found


def _lines(model: type[Settings], name: str, text: str) -> Any:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if get_origin(_without_none(model.model_fields[name].annotation)) is list:
        return lines
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}


def shown(model: type[Settings], settings: Mapping[str, Any]) -> dict[str, str]:
    """Stored settings as the form shows them, by their places in it; secrets are not among them."""
    found = {}
    for one in fields_of(model):
        value = settings.get(one.name, one.default)
        found[one.place] = as_text(value) if one.type != "secret" else ""
    return found


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, Mapping):
        return "\n".join(f"{key} = {part}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)
