"""The settings of a source: checked against its kind's model, secrets kept apart and encrypted, a fingerprint of it all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args

from ckanext.kzopen.core.people.secrets import decrypted, encrypted
from ckanext.kzopen.publishing.harvest import kinds
from ckanext.kzopen.publishing.harvest.mistakes import PREFIX, Gathered, Mistakes, in_words
from ckanext.kzopen.publishing.harvest.model import Source
from ckanext.kzopen.publishing.passport import Category, Periodicity, Responsible
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

PURPOSE = "harvest source"
B = TypeVar("B", bound=BaseModel)


class Defaults(BaseModel):
    """What the engine does with a source of any kind, and what a passport gets when the source does not say it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    category: Category = "statistics"
    periodicity: Periodicity = "AS_NEEDED"
    responsible: Responsible | None = None
    license: str = ""
    prefix: Annotated[str, StringConstraints(pattern=PREFIX)] = ""
    approve: bool = Field(False, description="Each delivery waits for a person.")
    pause: float = Field(0.0, ge=0, le=60, description="Least seconds between two requests to one host.")
    seconds: float = Field(60.0, ge=1, le=3600, description="Longest time of one request.")
    megabytes: int = Field(200, ge=1, le=20_000, description="Largest answer, as received.")
    most: int = Field(100_000, ge=1, le=1_000_000, description="Most items that a run takes.")
    at_once: int = Field(2, ge=1, le=4, description="Batches of items fetched from one host at the same time.")


class Limits(BaseModel):
    """How much of a source may be withdrawn without a person: a share, 0.2 is a fifth."""

    threshold: float = Field(0.2, ge=0, le=1)


@dataclass(frozen=True)
class Kept:
    """Settings as they are stored: the open ones, and the secrets encrypted."""

    settings: dict[str, Any]
    secrets: str | None
    defaults: dict[str, Any]
    fingerprint: str


def checked(kind: str, settings: Mapping[str, Any], defaults: Mapping[str, Any], old: Source | None = None) -> Kept:
    """Settings that the kind accepts; a secret that is left out stays as it is. Raises Mistakes for all that is wrong."""
    model = kinds.kind_named(kind).settings_model
    known = secrets_of(old) if old is not None and old.kind == kind else {}
    given = {name: value for name, value in settings.items() if value != "" or name not in known}
    mistakes = Gathered()
    with mistakes.more():
        accepted = validated(model, known | given, "settings")
    with mistakes.more():
        engine = validated(Defaults, defaults, "defaults").model_dump(exclude_defaults=True)
    mistakes.refuse()
    names = secret_fields(model)
    told = accepted.model_dump(mode="json", exclude_defaults=True)
    hidden = {name: getattr(accepted, name).get_secret_value() for name in names if getattr(accepted, name) is not None}
    hidden = {name: value for name, value in hidden.items() if value}
    shown = {name: value for name, value in told.items() if name not in names}
    mark = json.dumps([kind, shown, hidden, engine], sort_keys=True, ensure_ascii=False, default=str)
    sealed = encrypted(PURPOSE, json.dumps(hidden)) if hidden else None
    return Kept(shown, sealed, engine, hashlib.sha256(mark.encode()).hexdigest())


def validated(model: type[B], values: Mapping[str, Any], within: str = "") -> B:
    """Values as the model takes them; Mistakes by their places in the object `within` for all that it refuses."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Mistakes(in_words(error, model, within)) from error


def secret_fields(model: type[BaseModel]) -> list[str]:
    """The names of the settings that are never shown."""
    return [
        name
        for name, field in model.model_fields.items()
        if field.annotation is SecretStr or SecretStr in get_args(field.annotation)
    ]


def secrets_of(source: Source) -> dict[str, Any]:
    """The secret settings of a source, readable."""
    found: dict[str, Any] = json.loads(decrypted(PURPOSE, source.secrets)) if source.secrets else {}
    return found


def settings_of(source: Source) -> kinds.Settings:
    """All settings of a source, as its kind takes them."""
    model = kinds.kind_named(source.kind).settings_model
    return validated(model, source.settings | secrets_of(source), "settings")


def defaults_of(source: Source) -> Defaults:
    """What the engine does with the source."""
    return validated(Defaults, source.defaults, "defaults")
