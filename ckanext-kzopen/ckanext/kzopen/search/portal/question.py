"""What is asked of the search, as it stands in the address of a page or of the API: these models check the input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.search import registry
from ckanext.kzopen.search.datasets import ORGANISATION
from ckanext.kzopen.search.registry import Filter, Section
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, create_model, field_validator

LONGEST = 2_000
"""Letters of a query that are read."""
MOST_VALUES = 100
Sort = Literal["relevance", "updated", "name", "id"]
_Value = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Question(BaseModel):
    """What is searched for."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid", str_strip_whitespace=True)

    q: Annotated[str, StringConstraints(max_length=LONGEST)] = Field(
        default="", description="Words; quotes hold words together, `-` forbids one, `field:value` names a field"
    )
    section: str = Field(default="", description="Only this section")
    since: date | None = Field(default=None, alias="from", description="Changed on this day or later (Astana)")
    until: date | None = Field(default=None, alias="to", description="Changed on this day or earlier (Astana)")
    sort: Sort = Field(default="relevance", description="Order of the hits; pages by `id` have no end")

    @field_validator("section")
    @classmethod
    def _is_registered(cls, given: str) -> str:
        if given and section_called(given) is None:
            raise ValueError("there is no such section")
        return given

    @property
    def within(self) -> Section | None:
        """The section to which the search is confined."""
        return section_called(self.section) if self.section else None

    def chosen(self, one: Filter) -> list[str]:
        """The values that a filter is set to."""
        return list(getattr(self, one.name, ()))

    @property
    def narrowed(self) -> bool:
        """Whether anything but words is asked for."""
        return bool(self.section or self.since or self.until or any(self.chosen(one) for one in filters_of(self.within)))

    @property
    def order(self) -> Sort:
        """The order in force: without words nothing is more relevant than another thing, so the newest come first."""
        return "updated" if self.sort == "relevance" and not self.q else self.sort

    def parameters(self, **changed: Any) -> list[tuple[str, str]]:
        """The address of this question, with some members changed; what has its default is left out."""
        whole = self.model_copy(update=changed).model_dump(by_alias=True, mode="json", exclude_defaults=True)
        return [(name, str(one)) for name, value in whole.items() for one in (value if isinstance(value, list) else [value])]

    def address(self, **changed: Any) -> str:
        """The same as text, without the question mark."""
        return urlencode(self.parameters(**changed))

    def everywhere(self) -> str:
        """The address of the same question to all sections, without filters that only some list has."""
        return self.in_section("")

    def in_section(self, name: str) -> str:
        """The address of the same question to one section; filters that its list has too stay."""
        kept = {one.name for one in filters_of(section_called(name))}
        dropped: dict[str, list[str]] = {
            one.name: [] for one in all_filters().values() if one.name not in kept and self.chosen(one)
        }
        return self.address(section=name, **dropped)

    def without(self, name: str, value: str) -> str:
        """The address of the same question without one value of a filter."""
        return self.address(**{name: [one for one in getattr(self, name) if one != value]})

    def at_page(self, number: int) -> str:
        """The address of another page of the hits."""
        return urlencode([*self.parameters(), *([("page", str(number))] if number > 1 else [])])


def section_called(name: str) -> Section | None:
    """The section of this name in addresses."""
    return next((section for section in registry.sections() if section.address == name), None)


def filters_of(section: Section | None) -> tuple[Filter, ...]:
    """The filters of a section's list; those of all sections in the common one."""
    return section.filters if section else (ORGANISATION,)


def all_filters() -> dict[str, Filter]:
    """Every filter that some list has, by its name in addresses."""
    return {one.name: one for section in (None, *registry.sections()) for one in filters_of(section)}


def model() -> type[Question]:
    """The question with a member for every filter that the sections have registered."""
    return _model(tuple((one.name, in_language(one.label, "en")) for one in all_filters().values()))


@cache
def _model(filters: tuple[tuple[str, str], ...]) -> type[Question]:
    values = Annotated[list[_Value], Field(max_length=MOST_VALUES)]
    members: dict[str, Any] = {
        name: (values, Field(default=[], description=f"{label}; several values are alternatives")) for name, label in filters
    }
    return create_model("SearchQuestion", __base__=Question, **members)


def strict(arguments: Mapping[str, Iterable[str]]) -> Question:
    """The question of a program; raises ValidationError for what it cannot mean."""
    return model().model_validate(_given(arguments))


def lenient(arguments: Mapping[str, Iterable[str]]) -> Question:
    """The question of a person: what cannot be read is left out, and so is what the address of a page has besides."""
    known = {field.alias or name for name, field in model().model_fields.items()}
    given = {name: value for name, value in _given(arguments).items() if name in known}
    given["q"] = str(given.get("q", ""))[:LONGEST]
    try:
        return model().model_validate(given)
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors()}
        return model().model_validate({name: value for name, value in given.items() if name not in wrong})


def _given(arguments: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Filters keep all their values, everything else the last one; empty inputs of a form say nothing."""
    filters = all_filters()
    found: dict[str, Any] = {}
    for name, values in arguments.items():
        said = [value for value in values if value.strip()]
        if said:
            found[name] = list(dict.fromkeys(said)) if name in filters else said[-1]
    return found
