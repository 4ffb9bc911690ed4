"""What is wrong with a source: a sentence of ours at each place (`settings.address`, `threshold`), all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_args

from annotated_types import Ge, Le
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import input_errors
from jsonpath import JSONPathError
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

PREFIX = r"^[a-z0-9_-]{0,40}$"
PATTERNS = {
    r"^https?://": "harvest.input_address",
    r"(?is)^\s*(select|with)\b": "harvest.input_query",
    PREFIX: "harvest.input_prefix",
}
"""What a text that does not fit its pattern should look like; a pattern that is not here is told in general words."""
WHOLE = ("int_parsing", "int_type", "int_from_float", "int_parsing_size")
NUMBER = ("float_parsing", "float_type", "finite_number")
BOUNDS = ("greater_than_equal", "less_than_equal")
PLACES = {
    "harvest.bad_name": "name",
    "harvest.name_is_taken": "name",
    "harvest.unknown_kind": "kind",
    "harvest.bad_schedule": "schedule",
    "harvest.too_often": "schedule",
    "publishing.unknown_owner": "agency",
}
"""Errors that name their place by themselves, and are told under their own code when nothing else is wrong."""


class Mistakes(KzError):
    """Several places of a source are wrong, or one whose error does not say where it is; "" is the whole."""

    def __init__(self, found: Mapping[str, KzError]) -> None:
        self.found = dict(found)
        told = {language: "; ".join(_line(place, error, language) for place, error in found.items()) for language in LANGUAGES}
        super().__init__("harvest.bad_settings", problems=told)


def _line(place: str, error: KzError, language: str) -> str:
    return f"{place}: {error.text(language)}" if place else error.text(language)


def placed(error: KzError) -> dict[str, KzError]:
    """An error by its places."""
    return error.found if isinstance(error, Mistakes) else {PLACES.get(error.code, ""): error}


class Gathered:
    """Mistakes that are told together: the work goes on behind each `more()`, and `refuse` raises what was found."""

    def __init__(self) -> None:
        self.found: dict[str, KzError] = {}

    @contextmanager
    def more(self) -> Iterator[None]:
        """Keep what is raised inside, if it is a mistake of a place."""
        try:
            yield
        except KzError as error:
            if not isinstance(error, Mistakes) and error.code not in PLACES:
                raise
            self.found |= placed(error)

    def refuse(self) -> None:
        """Raise Mistakes, or the one error that speaks for itself; nothing when nothing was found."""
        errors = list(self.found.values())
        if len(errors) == 1 and errors[0].code in PLACES:
            raise errors[0]
        if errors:
            raise Mistakes(self.found)


def in_words(error: ValidationError, model: type[BaseModel], within: str = "") -> dict[str, KzError]:
    """What pydantic refused of a model, by place; `within` is the object that the model describes."""
    told = input_errors.by_place(error)
    for detail in reversed(error.errors()):
        place = ".".join(map(str, detail["loc"]))
        field = model.model_fields.get(str(detail["loc"][0])) if len(detail["loc"]) == 1 else None
        told[place] = _told(detail, field) or told[place]
    return {f"{within}.{place}" if within and place else within or place: problem for place, problem in told.items()}


def _told(detail: ErrorDetails, field: FieldInfo | None) -> KzError | None:
    """The sentence of a mistake that forms of sources know better than passports do."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "string_pattern_mismatch" and context["pattern"] in PATTERNS:
        return KzError(PATTERNS[context["pattern"]])
    if kind == "string_type" and detail["input"] is not None:
        return KzError("publishing.input_value")
    if kind in WHOLE:
        return KzError("harvest.input_whole")
    if kind in NUMBER:
        return KzError("harvest.input_number")
    if kind in BOUNDS:
        return _between(field, context)
    if kind == "literal_error" and field is not None:
        return KzError("publishing.input_choice", choices=list(get_args(field.annotation)))
    return _of_path(context.get("error"))


def _between(field: FieldInfo | None, context: Mapping[str, Any]) -> KzError:
    bounds = {type(part): part for part in (field.metadata if field else ())}
    least = bounds[Ge].ge if Ge in bounds else context.get("ge")
    most = bounds[Le].le if Le in bounds else context.get("le")
    if least is None or most is None:
        code, limit = ("harvest.input_at_least", least) if most is None else ("harvest.input_at_most", most)
        return KzError(code, limit=limit)
    return KzError("harvest.input_between", least=least, most=most)


def _of_path(error: Any) -> KzError | None:
    """Where a JSONPath cannot be read, counted from one; None when the mistake is none of a path."""
    why = getattr(error, "__cause__", None)
    if not isinstance(why, JSONPathError) or why.token is None:
        return None
    if why.token.index < 0:
        return KzError("harvest.input_path_end", path=why.token.path)
    return KzError("harvest.input_path", path=why.token.path, position=why.token.index + 1)
