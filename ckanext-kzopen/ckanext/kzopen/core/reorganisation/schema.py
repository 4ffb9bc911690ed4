"""What the actions of agencies take; `title` and `short` are texts by language."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeVar

from ckanext.kzopen.core.web.errors import KzError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Input):
    """A text in some of the portal's languages."""

    kk: Text | None = None
    ru: Text | None = None
    en: Text | None = None

    def given(self) -> dict[str, str]:
        return {language: text for language, text in self.model_dump().items() if text}


class FormerName(Input):
    """A name with its first and last day; only the present one has no last day."""

    title: Words
    short: Words = Words()
    since: date
    until: date | None = None


class Creation(Input):
    """A new agency. `address` is made from the name when it is not given; `names` is its whole history, if that is known."""

    title: Words
    short: Words = Words()
    address: Code | None = None
    kind: Code = "other"
    bin: Code | None = None
    kato: Code | None = None
    parent: Code | None = None
    names: list[FormerName] = Field(default_factory=list, max_length=100)
    extras: dict[str, str] = Field(default_factory=dict)


class Update(Input):
    """Changes without a date: codes, kind, address, and slips in the present name, which do not become a former name."""

    id: Code
    title: Words | None = None
    short: Words | None = None
    address: Code | None = None
    kind: Code | None = None
    bin: Code | None = None
    kato: Code | None = None


class Renaming(Input):
    """Another name from a day on, today without `since`; `address` too changes today, and the old one leads to it.

    With `cancel`, the last planned name does not come.
    """

    id: Code
    title: Words = Words()
    short: Words | None = None
    since: date | None = None
    address: Code | None = None
    reason: Text | None = None
    cancel: bool = False


class Moving(Input):
    """Another place in the tree from a day on; without a parent the agency answers to nobody.

    With `cancel`, the last planned place does not come.
    """

    id: Code
    parent: Code | None = None
    since: date | None = None
    reason: Text | None = None
    cancel: bool = False


class Liquidation(Input):
    """The end of an agency on a day, today without `date`; with `cancel`, a planned one does not happen."""

    id: Code
    on: date | None = None
    successor: Code | None = None
    reason: Text | None = None
    cancel: bool = False


T = TypeVar("T", bound=Input)


def parsed(model: type[T], data_dict: dict[str, Any]) -> T:
    """The input of an action; raises KzError that names the first field that is wrong."""
    try:
        return model.model_validate(data_dict)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        if first["type"].startswith("date"):
            raise KzError("agencies.date_wrong", date=str(first["input"])[:50]) from error
        raise KzError("agencies.field_wrong", field=field) from error
