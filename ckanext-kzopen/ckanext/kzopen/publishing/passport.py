"""The passport of a data set as the universal API takes and gives it, and its table schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.publishing import column_rules
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

Uri = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{2,100}$")]
Category = Literal[
    "agriculture",
    "budget",
    "culture",
    "ecology",
    "economy",
    "education",
    "energy",
    "geography",
    "governance",
    "health",
    "housing",
    "justice",
    "labour",
    "science",
    "security",
    "society",
    "statistics",
    "tourism",
    "transport",
]
Periodicity = Literal["CONTINUOUS", "DAILY", "WEEKLY", "MONTHLY", "QUARTERLY", "HALF_YEAR", "YEARLY", "AS_NEEDED", "ONCE"]
FieldType = Literal[
    "string",
    "integer",
    "number",
    "boolean",
    "date",
    "time",
    "datetime",
    "year",
    "yearmonth",
    "object",
    "array",
    "geopoint",
    "any",
]
MOST_KEY_COLUMNS = 32
"""Columns of an index in PostgreSQL."""
LONGEST_NAME = 63
"""Bytes of a column's name in PostgreSQL."""


class Input(BaseModel):
    """Parent of what people send: a key that is not known is a mistake, not something to pass over."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Text(Input):
    """A text in Kazakh and Russian, and in English where there is one."""

    kk: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    ru: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    en: Annotated[str, StringConstraints(max_length=10_000)] = ""

    def words(self) -> dict[str, str]:
        """The languages that have a text."""
        return {language: text for language in LANGUAGES if (text := getattr(self, language))}


Word = Annotated[str, StringConstraints(min_length=2, max_length=100)]


class Keywords(Input):
    """Words by which the data set should be found, in each language on its own."""

    kk: list[Word] = Field(default=[], max_length=30)
    ru: list[Word] = Field(default=[], max_length=30)
    en: list[Word] = Field(default=[], max_length=30)

    def words(self) -> dict[str, list[str]]:
        """The languages that have words, each word once."""
        return {language: list(dict.fromkeys(found)) for language in LANGUAGES if (found := getattr(self, language))}


class Responsible(Input):
    """Who answers questions about the data: an office or a person of the agency, with a public address."""

    name: Text
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)] | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^[+0-9 ()-]{5,30}$")] | None = None


def _column_name(name: str) -> str:
    if len(name.encode()) > LONGEST_NAME or name.startswith("_") or '"' in name or not name.isprintable():
        raise PydanticCustomError("input_column_name", "a column cannot have this name", {"name": name})
    return name


class SchemaField(BaseModel):
    """A column of the table, as Table Schema describes it; titles in kk, ru and en are ours."""

    model_config = ConfigDict(extra="allow", str_strip_whitespace=True, populate_by_name=True)

    name: Annotated[str, StringConstraints(min_length=1), AfterValidator(_column_name)]
    type: FieldType = "string"
    title: str | None = None
    title_translated: dict[Literal["kk", "ru", "en"], str] | None = None
    description_translated: dict[Literal["kk", "ru", "en"], str] | None = None
    format: str | None = None
    constraints: dict[str, Any] | None = None
    indexed: bool | None = Field(
        None,
        description="Programs look rows up by this column: CKAN's DataStore gets an index of it.",
    )
    public_by: str | None = Field(
        None,
        alias="publicBy",
        max_length=1000,
        description="The article or register by which personal data of this column are public; set by who may release them.",
    )

    @model_validator(mode="after")
    def _rules_can_be_kept(self) -> SchemaField:
        column_rules.refuse(self.model_dump(by_alias=True, exclude_none=True))
        return self


class Referred(BaseModel):
    """The table that a foreign key refers to, and the columns of its codes."""

    model_config = ConfigDict(extra="allow")

    resource: str = Field("", description="The data set of the reference table, which everybody may see; none: this table.")
    fields: str | Annotated[list[str], Field(min_length=1)]


class ForeignKey(BaseModel):
    """Columns whose values must be codes of a reference table (https://specs.frictionlessdata.io/table-schema/)."""

    model_config = ConfigDict(extra="allow")

    fields: str | Annotated[list[str], Field(min_length=1)]
    reference: Referred

    def columns(self) -> tuple[list[str], list[str]]:
        """The columns, and those of the codes, one for each."""
        pair = [[names] if isinstance(names, str) else names for names in (self.fields, self.reference.fields)]
        return pair[0], pair[1]


class TableSchema(BaseModel):
    """The columns of the table (https://specs.frictionlessdata.io/table-schema/); none while they are not known yet."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    fields: list[SchemaField] = Field(max_length=1000)
    primary_key: list[str] = Field(default=[], alias="primaryKey")
    foreign_keys: list[ForeignKey] | None = Field(None, alias="foreignKeys", max_length=100)
    public_by: str | None = Field(
        None, alias="publicBy", max_length=1000, description="The same for the whole table: a register that is public by law."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_column_as_a_key(cls, data: Any) -> Any:
        """Table Schema allows a key of one column to be written as a string."""
        if isinstance(data, dict) and isinstance(data.get("primaryKey"), str):
            return data | {"primaryKey": [data["primaryKey"]]}
        return data

    @model_validator(mode="after")
    def _names_fit(self) -> TableSchema:
        names = [field.name for field in self.fields]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise PydanticCustomError("input_columns_repeat", "names of columns are repeated", {"names": repeated})
        if unknown := [name for name in self.primary_key if name not in names]:
            raise PydanticCustomError("input_key_unknown", "the key names unknown columns", {"names": unknown})
        if len(self.primary_key) > MOST_KEY_COLUMNS:
            raise PydanticCustomError("input_key_wide", "the key has too many columns", {"limit": MOST_KEY_COLUMNS})
        nested = [field.name for field in self.fields if field.name in self.primary_key and field.type in ("object", "array")]
        if nested:  # the same object may be written in several ways
            raise PydanticCustomError("input_key_nested", "objects and lists cannot be a key", {"names": nested})
        for key in self.foreign_keys or []:
            columns, codes = key.columns()
            here = {*columns, *(codes if not key.reference.resource else ())}
            if here - set(names) or len(columns) != len(codes):
                raise PydanticCustomError("input_foreign_key", "a foreign key does not fit", {"names": columns})
        return self

    def descriptor(self) -> dict[str, Any]:
        """The schema as a plain Table Schema descriptor, without what was not given."""
        descriptor = self.model_dump(by_alias=True, exclude_none=True)
        return descriptor if self.primary_key else {k: v for k, v in descriptor.items() if k != "primaryKey"}


def _has_nul(value: Any) -> bool:
    """Whether a text anywhere in the value holds U+0000, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_nul(item) for item in value)


class Passport(Input):
    """What a data set is: names and description, owner, responsible, how often it is renewed, and its columns."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    title: Text
    description: Text
    owner: Annotated[str, StringConstraints(min_length=2, max_length=100)]
    category: Category
    periodicity: Periodicity
    responsible: Responsible | None = None
    keywords: Keywords = Keywords()
    license: str | None = None
    table_schema: TableSchema = Field(alias="schema")

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, data: Any) -> Any:
        if _has_nul(data):
            raise PydanticCustomError("input_nul", "a text holds the character U+0000")
        return data
