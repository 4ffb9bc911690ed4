"""What `/api/search/v1` answers, as models: the same ones make its OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ckanext.kzopen.search.portal.suggestions import Suggestion
from ckanext.kzopen.search.spelling import Taken
from pydantic import BaseModel, Field

Texts = dict[str, str]


class Item(BaseModel):
    """One thing that was found. Texts are by language (`kk`, `ru`, `en`); under "" where their language is not known."""

    id: str
    section: str
    title: Texts
    description: Texts = {}
    organization: str | None = Field(default=None, description="Name of the organisation in addresses")
    formats: list[str] = []
    created: datetime | None = None
    updated: datetime | None = None
    url: str = Field(description="Address of its page")
    highlight: str = Field(default="", description="A fragment as HTML, what was looked for inside <mark>")
    columns: list[str] = Field(default=[], description="Columns of the table that hold a word of the query")


class Value(BaseModel):
    """How many hits have a value; the filter's own choice does not count against its other values."""

    value: str
    label: Texts
    count: int


class Found(BaseModel):
    """A page of hits. `next` is the address of the next page, null on the last one.

    Of orders other than `id` the last one ends at hit 10,000.
    """

    count: int
    items: list[Item]
    sections: list[Value] = Field(default=[], description="Hits by section; with `facets=true`")
    facets: dict[str, list[Value]] = Field(default={}, description="Values of the filters; with `facets=true`")
    taken: Taken = Field(
        default=Taken.AS_TYPED,
        description="`nearest_words`: nothing holds the words as typed, these hold the nearest known ones (`meant`); "
        "`some_of_the_words`: nothing holds those either, these hold about half of them",
    )
    meant: str | None = Field(
        default=None,
        description="The query as it was probably meant, when it has unknown words; behind a cursor for `nearest_words` only",
    )
    hints: list[str] = Field(default=[], description="How the query was read where it was not taken literally")
    next: str | None = None


class Suggested(BaseModel):
    """Names that fit what somebody has typed so far."""

    suggestions: list[Suggestion]


class Problem(BaseModel):
    """RFC 9457, in the language of Accept-Language."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    params: dict[str, Any]
