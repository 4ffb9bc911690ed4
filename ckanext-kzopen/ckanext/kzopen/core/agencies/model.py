"""The tables of agencies: `agency` tells the present, as CKAN's organisation of that id does; the others tell since when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Literal, get_args

from ckanext.kzopen.core.db import Base
from ckanext.kzopen.core.texts import ASTANA, LANGUAGES
from sqlalchemy import Date, DateTime, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, Session, mapped_column, scoped_session

AnySession = Session | scoped_session[Any]
Kind = Literal["ministry", "committee", "region", "district", "city", "akim", "subordinate", "company", "other"]
KINDS: tuple[str, ...] = get_args(Kind)
EVER = date.min
"""The first day of what is not known to have begun."""
NAMES = tuple(f"name_{language}" for language in LANGUAGES)
SHORT_NAMES = tuple(f"short_{language}" for language in LANGUAGES)


def today() -> date:
    """The day in Astana: names and successors change at its midnight."""
    return datetime.now(ASTANA).date()


class Named:
    """The columns of a name in three languages, long and short."""

    name_kk: Mapped[str | None] = mapped_column(Text)
    name_ru: Mapped[str | None] = mapped_column(Text)
    name_en: Mapped[str | None] = mapped_column(Text)
    short_kk: Mapped[str | None] = mapped_column(Text)
    short_ru: Mapped[str | None] = mapped_column(Text)
    short_en: Mapped[str | None] = mapped_column(Text)

    @property
    def name(self) -> dict[str, str]:
        """The full name in the languages that have one."""
        return _words(self, "name")

    @property
    def short(self) -> dict[str, str]:
        """The short name in the languages that have one."""
        return _words(self, "short")

    @property
    def columns(self) -> dict[str, str | None]:
        """All six, as they are."""
        return {column: getattr(self, column) for column in (*NAMES, *SHORT_NAMES)}


def _words(row: Named, column: str) -> dict[str, str]:
    found = {language: getattr(row, f"{column}_{language}") for language in LANGUAGES}
    return {language: text for language, text in found.items() if text}


def columns_of(name: Mapping[str, str], short: Mapping[str, str]) -> dict[str, str | None]:
    """The six columns of a name; a language that has none, or only spaces, is None."""
    given = {"name": name, "short": short}
    return {
        f"{column}_{language}": (words.get(language) or "").strip() or None
        for column, words in given.items()
        for language in LANGUAGES
    }


class Agency(Named, Base):
    """An agency as it is today. `id` is that of CKAN's organisation, `address` its name in addresses of pages."""

    __tablename__ = "agency"
    effective: ClassVar[date | None] = None
    """The day from which a change holds: told to the event log with the change, kept in the tables of dates."""
    announced: ClassVar[Any] = None
    """What is to be from that day on; told to the event log likewise."""

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text, default="other")
    bin: Mapped[str | None] = mapped_column(Text, unique=True)
    kato: Mapped[str | None] = mapped_column(Text)
    parent: Mapped[str | None] = mapped_column(ForeignKey("kzopen.agency.id"))
    liquidated_on: Mapped[date | None] = mapped_column(Date)
    successor: Mapped[str | None] = mapped_column(ForeignKey("kzopen.agency.id"))
    handed_over: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class AgencyName(Named, Base):
    """A name and the day from which it holds, until the day of the next one: names can neither overlap nor leave a gap."""

    __tablename__ = "agency_name"

    agency: Mapped[str] = mapped_column(ForeignKey("kzopen.agency.id"), primary_key=True)
    since: Mapped[date] = mapped_column(Date, primary_key=True)


class AgencyParent(Base):
    """To whom an agency answers from a day on, until the day of the next row; None is nobody."""

    __tablename__ = "agency_parent"

    agency: Mapped[str] = mapped_column(ForeignKey("kzopen.agency.id"), primary_key=True)
    since: Mapped[date] = mapped_column(Date, primary_key=True)
    parent: Mapped[str | None] = mapped_column(ForeignKey("kzopen.agency.id"))


class AgencyAddress(Base):
    """A name that an agency had in addresses of pages, and until when."""

    __tablename__ = "agency_address"

    address: Mapped[str] = mapped_column(Text, primary_key=True)
    agency: Mapped[str] = mapped_column(ForeignKey("kzopen.agency.id"))
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class AgencyHandover(Base):
    """A thing that went over from a liquidated agency to its successor."""

    __tablename__ = "agency_handover"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    thing: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True, server_default=func.now())
    from_agency: Mapped[str] = mapped_column(Text)
    to_agency: Mapped[str] = mapped_column(Text)
