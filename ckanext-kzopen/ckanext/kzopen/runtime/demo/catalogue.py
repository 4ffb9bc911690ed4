"""The demonstration content as it lies in `content/`: six agencies and forty data sets with their tables.

`agencies.yaml` names the agencies, parents before children; `datasets/*.yaml` the passports, one file an agency;
`tables/<uri>.csv` the rows. Everything is our own writing: bodies are invented, `figures` says of each table
whether its figures are known facts or invented.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from ckanext.kzopen.core.yaml_source import Source, read
from pydantic import Field, RootModel

FOLDER = Path(__file__).parent / "content"
TAG = "demo"

Periodicity = Literal["DAILY", "WEEKLY", "MONTHLY", "QUARTERLY", "HALF_YEAR", "YEARLY", "AS_NEEDED"]
Name = str
Constraint = Literal["required", "unique", "pattern", "enum", "minimum", "maximum"]
CONSTRAINTS: tuple[Constraint, ...] = ("required", "unique", "pattern", "enum", "minimum", "maximum")


class Words(Source):
    """A text in the portal's languages; English may be missing."""

    kk: str
    ru: str
    en: str | None = None

    def given(self) -> dict[str, str]:
        """The languages that are there."""
        return self.model_dump(exclude_none=True)


class Office(Words):
    """The office that answers for data: a name and a mail address, never a person."""

    email: str = Field(pattern=r"^[a-z]+@[a-z]+\.example\.org$")


class Agency(Source):
    """One invented body."""

    name: Name = Field(pattern=r"^demo-[a-z-]+$")
    code: str
    kind: Literal["ministry", "committee", "region", "district", "city", "company"]
    parent: Name | None = None
    title: Words
    short: Words
    description: Words
    responsible: Office


class TableField(Source):
    """One column: its type, its constraints and its title in the portal's languages."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: Literal["string", "integer", "number", "boolean", "date", "datetime", "year"]
    kk: str
    ru: str
    en: str | None = None
    required: bool | None = None
    unique: bool | None = None
    pattern: str | None = None
    enum: list[str] | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None

    def descriptor(self) -> dict[str, Any]:
        """The field as Table Schema has it."""
        constraints = {name: getattr(self, name) for name in CONSTRAINTS if getattr(self, name) is not None}
        titles = {lang: text for lang in ("kk", "ru", "en") if (text := getattr(self, lang))}
        described = {"name": self.name, "type": self.type, "title": self.kk, "title_translated": titles}
        return described | ({"constraints": constraints} if constraints else {})


class DataSet(Source):
    """One passport with its table schema."""

    uri: str = Field(pattern=r"^demo-[a-z0-9-]+$")
    owner: Name
    category: str
    periodicity: Periodicity
    figures: Literal["facts", "invented"]
    title: Words
    description: Words
    keywords: dict[Literal["kk", "ru", "en"], list[str]]
    primary_key: list[str]
    fields: list[TableField]

    @property
    def table(self) -> Path:
        """The CSV with the rows."""
        return FOLDER / "tables" / f"{self.uri}.csv"

    def table_schema(self) -> dict[str, Any]:
        """The Table Schema descriptor of the rows."""
        return {"fields": [field.descriptor() for field in self.fields], "primaryKey": self.primary_key}


class _Agencies(RootModel[list[Agency]]):
    """agencies.yaml"""


class _DataSets(RootModel[list[DataSet]]):
    """datasets/*.yaml"""


@cache
def agencies() -> tuple[Agency, ...]:
    """The agencies, parents before children; raises SourceError with file and line of a mistake."""
    return tuple(read(FOLDER / "agencies.yaml", _Agencies)[0].root)


@cache
def data_sets() -> tuple[DataSet, ...]:
    """All data sets in the order of their files; raises SourceError with file and line of a mistake."""
    files = sorted((FOLDER / "datasets").glob("*.yaml"))
    return tuple(entry for file in files for entry in read(file, _DataSets)[0].root)
