"""What the one search of the portal finds: every section of the portal registers its kind of documents here.

    registry.register(Section("question", {"kk": …, "ru": …, "en": …}, ids=…, source=…, page=…, touched=…))

From then on its documents are computed when its rows change, found beside all others under the reader's permissions, counted
in the facet of sections, rebuilt, checked and repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.kzopen.core.texts import Words
from sqlalchemy.orm import Session, scoped_session

AnySession = Session | scoped_session[Any]
Label = Words | Mapping[str, str] | str
"""In the languages that it has, or the same in all."""
Stored = Mapping[str, Any]
"""What the index gives back of a document."""
PACKAGE = "package"
"""Data sets; CKAN computes their documents."""


def _none(_session: AnySession) -> Iterable[str]:
    return ()


def _nothing(_session: AnySession, _id: str) -> Mapping[str, Any] | None:
    return None


def _untouched(_instance: Any) -> Iterable[str]:
    return ()


def _same(_session: AnySession, values: Sequence[str]) -> Mapping[str, Label]:
    return {value: value for value in values}


@dataclass(frozen=True)
class Filter:
    """A field by which people narrow the list of a section: its name in addresses, its field in documents, its label.

    `values` gives the labels of values in the reader's words, for as many as are asked for at once.
    """

    name: str
    field: str
    label: Words
    values: Callable[[AnySession, Sequence[str]], Mapping[str, Label]] = _same


@dataclass(frozen=True)
class Section:
    """A kind of documents.

    `ids` gives all things that have a document, `source` the document of one of them in Solr's shape (`document.from_solr`),
    None for what is gone or not to be found; it says `permission_labels` itself, without them only the system finds it.
    `touched` tells which things an object that the session flushed belongs to. `page` is the path of a document's page.
    """

    entity_type: str
    label: Words
    page: Callable[[Stored], str]
    name: str = ""
    ids: Callable[[AnySession], Iterable[str]] = _none
    source: Callable[[AnySession, str], Mapping[str, Any] | None] = _nothing
    touched: Callable[[Any], Iterable[str]] = _untouched
    filters: tuple[Filter, ...] = ()

    @property
    def address(self) -> str:
        """Its name in the addresses of pages."""
        return self.name or self.entity_type


_sections: dict[str, Section] = {}
_feeding: dict[str, tuple[str, Callable[[Any], Iterable[str]]]] = {}


def register(section: Section) -> None:
    """Make a section's documents known; again and again is harmless."""
    _sections[section.entity_type] = section


def forget(entity_type: str) -> None:
    """Undo `register`."""
    _sections.pop(entity_type, None)


def feeds(name: str, entity_type: str, touched: Callable[[Any], Iterable[str]]) -> None:
    """Say under a name what else documents of a kind are made of: `touched` gives the ids that a flushed object concerns."""
    _feeding[name] = (entity_type, touched)


def sections() -> list[Section]:
    """All that is registered, data sets first."""
    return sorted(_sections.values(), key=lambda section: section.entity_type != PACKAGE)


def beside_packages() -> list[Section]:
    """The sections whose documents are computed here."""
    return [section for section in sections() if section.entity_type != PACKAGE]


def section_of(entity_type: str) -> Section | None:
    """The section of this kind of documents."""
    return _sections.get(entity_type)


def touched(instance: Any) -> Iterable[tuple[str, str]]:
    """Kind and id of every document that an object tells something in."""
    for section in _sections.values():
        for found in section.touched(instance):
            yield section.entity_type, found
    for entity_type, touches in _feeding.values():
        for found in touches(instance):
            yield entity_type, found


def reference(entity_type: str, entity_id: str) -> str:
    """Kind and id in one, as the outbox carries them."""
    return f"{entity_type}:{entity_id}"


def dereferenced(reference: str) -> tuple[str, str]:
    """Kind and id of a reference."""
    entity_type, _, entity_id = reference.partition(":")
    return entity_type, entity_id
