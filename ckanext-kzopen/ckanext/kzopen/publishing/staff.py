"""What the staff's pages show: data sets of organisations with their current versions, and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ckan import model
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.publishing import forms
from ckanext.kzopen.publishing.model import Delivery, Passport, latest_deliveries
from ckanext.kzopen.publishing.notices import title_of
from ckanext.kzopen.rows.model import Version
from sqlalchemy import select
from sqlalchemy.orm import Session

SHOWN = 50


@dataclass(frozen=True)
class Row:
    """One data set in a list: `version` is its newest one or None."""

    package_id: str
    uri: str
    title: Any
    version: Version | None


def datasets_of(session: Session, organization_ids: Sequence[str]) -> list[Row]:
    """Data sets of these organisations that have a passport, the last changed first, at most SHOWN."""
    wanted = (
        select(model.Package, Passport.uri)
        .join(Passport, Passport.package_id == model.Package.id)
        .where(model.Package.owner_org.in_(organization_ids), model.Package.state == model.State.ACTIVE)
        .order_by(model.Package.metadata_modified.desc())
        .limit(SHOWN)
    )
    found = session.execute(wanted).all()
    newest = _newest(session, [package.id for package, _ in found])
    return [Row(package.id, uri, title_of(package), newest.get(package.id)) for package, uri in found]


def _newest(session: Session, package_ids: Sequence[str]) -> dict[str, Version]:
    readable = Version.package_id.in_(package_ids), Version.withdrawn.is_(None)
    wanted = select(Version).where(*readable).distinct(Version.package_id)
    return {
        version.package_id: version for version in session.scalars(wanted.order_by(Version.package_id, Version.number.desc()))
    }


def deliveries_of(session: Session, rows: Sequence[Row]) -> list[Delivery]:
    """The latest deliveries to these data sets."""
    return latest_deliveries(session, [row.package_id for row in rows])


def deliveries_to(session: Session, package_id: str) -> list[Delivery]:
    """The latest deliveries to one data set."""
    return latest_deliveries(session, [package_id], limit=SHOWN)


def choices(field: str) -> list[tuple[str, dict[str, str]]]:
    """Values and labels of a choice in the form of data sets (`schemas/datasets/table.yaml`)."""
    from ckanext.scheming.helpers import scheming_field_choices, scheming_get_dataset_schema

    schema = scheming_get_dataset_schema("dataset")
    found = next(row for row in schema["dataset_fields"] if row["field_name"] == field)
    return [(row["value"], row["label"]) for row in scheming_field_choices(found)]


TYPES: dict[str, Words] = {
    "string": {"kk": "мәтін (кодтар, БСН)", "ru": "текст (коды, БИН)", "en": "text (codes, BIN)"},
    "integer": {"kk": "бүтін сан", "ru": "целое число", "en": "whole number"},
    "number": {"kk": "сан", "ru": "число", "en": "number"},
    "boolean": {"kk": "иә немесе жоқ", "ru": "да или нет", "en": "yes or no"},
    "date": {"kk": "күн", "ru": "дата", "en": "date"},
    "time": {"kk": "уақыт", "ru": "время", "en": "time"},
    "datetime": {"kk": "күн мен уақыт", "ru": "дата и время", "en": "date and time"},
    "year": {"kk": "жыл", "ru": "год", "en": "year"},
    "geopoint": {"kk": "координаталар", "ru": "координаты", "en": "coordinates"},
}


RESPONSIBLE_HINT: Words = {
    "kk": "Пошта немесе телефон көрсетілсе, міндетті.",
    "ru": "Обязательно, если указаны почта или телефон.",
    "en": "Required with an e-mail address or a telephone.",
}


def type_labels() -> list[tuple[str, Words]]:
    """The types of columns that the form offers, with their labels."""
    return [(kind, TYPES[kind]) for kind in forms.COMMON_TYPES]


REPAIRS: dict[str, Words] = {
    "encoding": {"kk": "Таңба кодтауы", "ru": "Кодировка", "en": "Encoding"},
    "header": {"kk": "Тақырыптың орны", "ru": "Место заголовка", "en": "Place of the header"},
    "no-header": {"kk": "Тақырып жоқ", "ru": "Нет заголовка", "en": "No header"},
    "labels": {"kk": "Баған атаулары", "ru": "Названия столбцов", "en": "Labels of columns"},
    "blank-columns": {"kk": "Бос бағандар", "ru": "Пустые столбцы", "en": "Empty columns"},
    "extra-cells": {"kk": "Артық бос ұяшықтар", "ru": "Лишние пустые ячейки", "en": "Extra empty cells"},
    "numbering": {"kk": "Бағандар нөмірі", "ru": "Номера столбцов", "en": "Numbers of columns"},
    "notes": {"kk": "Ескертпелер", "ru": "Примечания", "en": "Notes"},
    "totals": {"kk": "Жиынтық жолдар", "ru": "Итоговые строки", "en": "Totals"},
    "blank-rows": {"kk": "Бос жолдар", "ru": "Пустые строки", "en": "Blank rows"},
    "merged": {"kk": "Біріктірілген ұяшықтар", "ru": "Объединённые ячейки", "en": "Merged cells"},
    "repeats": {"kk": "Қайталанған жолдар", "ru": "Повторы строк", "en": "Repeated rows"},
    "same-rows": {
        "kk": "Кілтсіз кестедегі бірдей жолдар",
        "ru": "Повторы строк без ключа",
        "en": "Repeated rows without a key",
    },
    "repeated-keys": {"kk": "Қайталанған кілттер", "ru": "Повторы ключа", "en": "Repeated keys"},
    "code": {"kk": "Бөлшек түріндегі кодтар", "ru": "Коды дробью", "en": "Codes as fractions"},
    "spaces": {"kk": "Артық бос орындар", "ru": "Лишние пробелы", "en": "Extra blanks"},
    "letters": {"kk": "Ұқсас әріптер", "ru": "Похожие буквы", "en": "Look-alike letters"},
    "yes-no": {"kk": "«Иә» мен «жоқ» деген жауаптар", "ru": "Ответы «да» и «нет»", "en": "Answers yes and no"},
    "missing": {"kk": "Мән орнындағы белгілер", "ru": "Знаки вместо значений", "en": "Signs instead of values"},
    "number": {"kk": "Сандардың жазылуы", "ru": "Запись чисел", "en": "Notation of numbers"},
    "date": {"kk": "Күндердің жазылуы", "ru": "Запись дат", "en": "Notation of dates"},
    "zeros": {"kk": "Түсіп қалған нөлдер", "ru": "Потерянные нули", "en": "Lost zeros"},
    "short-codes": {"kk": "Тым қысқа кодтар", "ru": "Слишком короткие коды", "en": "Codes that are too short"},
}
