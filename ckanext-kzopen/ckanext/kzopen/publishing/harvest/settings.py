"""The settings of a source: checked against its kind's model, secrets kept apart and encrypted, a fingerprint of it all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from ckanext.kzopen.core.people.secrets import decrypted, encrypted
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import kinds
from ckanext.kzopen.publishing.harvest.model import Source
from ckanext.kzopen.publishing.passport import Category, Periodicity, Responsible
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

PURPOSE = "harvest source"


class Defaults(BaseModel):
    """What the engine does with a source of any kind, and what a passport gets when the source does not say it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    category: Category = "statistics"
    periodicity: Periodicity = "AS_NEEDED"
    responsible: Responsible | None = None
    license: str = ""
    prefix: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,40}$")] = ""
    approve: bool = Field(False, description="Each delivery waits for a person.")
    pause: float = Field(0.0, ge=0, le=60, description="Least seconds between two requests to one host.")
    seconds: float = Field(60.0, ge=1, le=3600, description="Longest time of one request.")
    megabytes: int = Field(200, ge=1, le=20_000, description="Largest answer, as received.")
    most: int = Field(100_000, ge=1, le=1_000_000, description="Most items that a run takes.")
    at_once: int = Field(2, ge=1, le=4, description="Batches of items fetched from one host at the same time.")


@dataclass(frozen=True)
class Kept:
    """Settings as they are stored: the open ones, and the secrets encrypted."""

    settings: dict[str, Any]
    secrets: str | None
    defaults: dict[str, Any]
    fingerprint: str


def checked(kind: str, settings: Mapping[str, Any], defaults: Mapping[str, Any], old: Source | None = None) -> Kept:
    """Settings that the kind accepts; a secret that is left out stays as it is. Raises KzError harvest.bad_settings."""
    model = kinds.kind_named(kind).settings_model
    known = secrets_of(old) if old is not None and old.kind == kind else {}
    given = {name: value for name, value in settings.items() if value != "" or name not in known}
    accepted = _validated(model, known | given)
    engine = _validated(Defaults, defaults).model_dump(exclude_defaults=True)
    names = secret_fields(model)
    told = accepted.model_dump(mode="json", exclude_defaults=True)
    hidden = {name: getattr(accepted, name).get_secret_value() for name in names if getattr(accepted, name) is not None}
    hidden = {name: value for name, value in hidden.items() if value}
    shown = {name: value for name, value in told.items() if name not in names}
    mark = json.dumps([kind, shown, hidden, engine], sort_keys=True, ensure_ascii=False, default=str)
    sealed = encrypted(PURPOSE, json.dumps(hidden)) if hidden else None
    return Kept(shown, sealed, engine, hashlib.sha256(mark.encode()).hexdigest())


def _validated(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise KzError("harvest.bad_settings", place=place or "–", problem=str(first["msg"])) from error


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
    accepted = _validated(model, source.settings | secrets_of(source))
    assert isinstance(accepted, kinds.Settings)  # noqa: S101 - what a kind's model is
    return accepted


def defaults_of(source: Source) -> Defaults:
    """What the engine does with the source."""
    accepted = _validated(Defaults, source.defaults)
    assert isinstance(accepted, Defaults)  # noqa: S101 - its own model
    return accepted
