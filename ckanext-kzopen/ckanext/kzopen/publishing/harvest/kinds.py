"""What a kind of source is, for the engine and for whoever writes one: settings, three methods, one file.

    class Settings(kinds.Settings):
        address: Annotated[str, Say(kk="Мекенжайы", ru="Адрес", en="Address")]

    class Library(kinds.Harvester[Settings]):
        name = "library"
        label = {"kk": "Кітапхана", "ru": "Библиотека", "en": "Library"}
        settings_model = Settings

        def discover(self, cursor): yields Page(items) for each page of the list
        def describe(self, item): returns Described
        def fetch(self, item, into): writes the table's bytes into the file, returns Fetched

A file in `kzopen_harvesters` with such a class is found by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.reach import Reach
from pydantic import BaseModel, ConfigDict

PACKAGE = "kzopen_harvesters"


@dataclass(frozen=True)
class Say:
    """What the form says of a setting: its label, one sentence of help, and what each value of a choice is called."""

    kk: str
    ru: str
    en: str
    hint: Words | None = None
    choices: Mapping[str, Words] = field(default_factory=dict)

    @property
    def label(self) -> Words:
        return {"kk": self.kk, "ru": self.ru, "en": self.en}


NAMES_OF_LANGUAGES: Mapping[str, Words] = {
    "kk": {"kk": "Қазақша", "ru": "Казахский", "en": "Kazakh"},
    "ru": {"kk": "Орысша", "ru": "Русский", "en": "Russian"},
    "en": {"kk": "Ағылшынша", "ru": "Английский", "en": "English"},
}
"""What the values of a setting that asks for a language are called (`Say.choices`)."""


class Settings(BaseModel):
    """Parent of the settings of a kind; the form and the check of what was typed come from its fields.

    Fields are texts, numbers, yes or no, or one of some words; `SecretStr` is stored encrypted and never shown again.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


@dataclass(frozen=True)
class Found:
    """One thing that a source has. `guid` names it for ever.

    `hash` changes when it changes (a date, a version, a checksum); None where the source cannot tell, and then it is fetched
    and compared. `data` is what `describe` and `fetch` need of it, as JSON. With an `error` it stands for a part of the list
    that could not be read (`parts`): it fails with that, and the run takes nothing for gone, as nobody knows what was in it.
    """

    guid: str
    hash: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    error: KzError | None = None


@dataclass(frozen=True)
class Page:
    """Some of the things, where to go on after them (JSON; None = this cannot be asked for), and how many there are in all.

    `moved` says that the list has changed since the page before, so that something may have been skipped.
    """

    items: list[Found]
    cursor: Any = None
    total: int | None = None
    moved: bool = False


@dataclass(frozen=True)
class Described:
    """What the source says of a data set; what it does not say comes from the source's defaults.

    `uri` is the name that it should have here. Texts are by language: a missing one is taken from another language.
    `schema` is a Table Schema; None lets the columns be inferred from the first file, with `key` as the primary key.
    """

    uri: str
    title: Mapping[str, str]
    description: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, list[str]] = field(default_factory=dict)
    category: str | None = None
    periodicity: str | None = None
    responsible: Mapping[str, Any] | None = None
    license: str | None = None
    schema: Mapping[str, Any] | None = None
    key: Sequence[str] = ()


@dataclass(frozen=True)
class Fetched:
    """What is known of the bytes that were written: media type and file name, for people who look at the delivery.

    `as_told` is False where they have not the checksum that the source tells: they are published and fetched again next time.
    """

    media_type: str | None = None
    file_name: str | None = None
    as_told: bool = True


S = TypeVar("S", bound=Settings)


class Harvester(ABC, Generic[S]):
    """One visit to a source. All calls to the outside go through `self.reach`; what it raises is told on the item."""

    name: ClassVar[str]
    label: ClassVar[Words]
    settings_model: ClassVar[type[Settings]]

    def __init__(self, settings: S, reach: Reach) -> None:
        self.settings = settings
        self.reach = reach

    @abstractmethod
    def discover(self, cursor: Any) -> Iterator[Page]:
        """All that the source has, page after page, from `cursor` on (None = from the beginning)."""

    @abstractmethod
    def describe(self, item: Found) -> Described:
        """The passport of an item."""

    @abstractmethod
    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """Write the item's table into the file: any format that the publish path reads. None = it has no table."""


AnyHarvester = Harvester[Any]


@lru_cache(maxsize=1)
def kinds() -> dict[str, type[AnyHarvester]]:
    """The kinds in `kzopen_harvesters` by name."""
    package = importlib.import_module(PACKAGE)
    found: dict[str, type[AnyHarvester]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        for value in vars(importlib.import_module(f"{PACKAGE}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Harvester) and "name" in vars(value):
                found[value.name] = value
    return dict(sorted(found.items()))


def kind_named(name: str) -> type[AnyHarvester]:
    """The kind of that name; KzError harvest.unknown_kind when there is none."""
    try:
        return kinds()[name]
    except KeyError:
        raise KzError("harvest.unknown_kind", kind=name, kinds=list(kinds())) from None
