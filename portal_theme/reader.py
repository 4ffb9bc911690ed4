"""What templates ask for: words, numbers and dates in the reader's form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.texts import LANGUAGES, in_astana, in_language, moment, money, number, primary, size
from ckanext.kzopen.core.texts import day as day_in
from markupsafe import Markup, escape

Translated = str | Mapping[str, object] | None


def language() -> str:
    """The reader's language; English outside a request."""
    return str(tk.h.lang() or "en")


def kz_text(value: Translated) -> str:
    """The text in the reader's language, else in another one of the portal."""
    return in_language(value, language())


def kz_lang(value: Translated) -> str:
    """The language of what `kz_text` gives when it is not the reader's, else ""; for the attribute `lang`."""
    if not isinstance(value, Mapping) or value.get(primary(language())):
        return ""
    return next((candidate for candidate in (*LANGUAGES, *map(str, value)) if value.get(candidate)), "")


def kz_words(value: Translated) -> Markup:
    """`kz_text`, marked with its language when that is not the page's, so that it is read aloud and hyphenated rightly."""
    other = kz_lang(value)
    text = escape(kz_text(value))
    return Markup('<span lang="{}">{}</span>').format(other, text) if other else text


def kz_title(entity: Mapping[str, Any]) -> Translated:
    """The multilingual title of a data set, organisation or group, or its plain one, or its name."""
    translated = entity.get("title_translated")
    if isinstance(translated, Mapping) and any(translated.values()):
        return translated
    return str(entity.get("title") or entity.get("display_name") or entity.get("name") or "")


def kz_notes(entity: Mapping[str, Any]) -> Translated:
    """The multilingual description of a data set or organisation, or its plain one."""
    for field in ("notes_translated", "description_translated"):
        translated = entity.get(field)
        if isinstance(translated, Mapping) and any(translated.values()):
            return translated
    return str(entity.get("notes") or entity.get("description") or "")


def kz_number(value: float | Decimal | None) -> str:
    """`1 234 567,5`; an absent number is a dash."""
    return "–" if value is None else number(value, language())


def kz_money(value: float | Decimal | None) -> str:
    """Tenge, `1 234,50 ₸`; an absent sum is a dash."""
    return "–" if value is None else money(value, language())


def kz_size(octets: int | None) -> str:
    """`1,5 МБ`; "" where the size is not known."""
    return "" if octets is None else size(int(octets), language())


def kz_date(value: str | date | datetime | None, *, short: bool = False, time: bool = False) -> Markup:
    """A date, of a moment the one in Astana's zone, with `time` also the hour, inside `<time>`; CKAN's ISO strings are UTC."""
    if not value:
        return Markup("")
    known = _read(value) if isinstance(value, str) else value
    if isinstance(known, datetime):
        known = in_astana(known)
        words = (moment if time else day_in)(known, language(), short=short)
    else:
        words = day_in(known, language(), short=short)
    return Markup('<time datetime="{}">{}</time>').format(known.isoformat(), words)


def kz_last_day(value: str | datetime | None, *, short: bool = False) -> Markup:
    """The last day of what ends at this moment: a role that ends on the midnight after 31 December lasts until the 31st."""
    if not value:
        return Markup("")
    ends = datetime.fromisoformat(value) if isinstance(value, str) else value
    return kz_date(in_astana(ends - timedelta(microseconds=1)).date(), short=short)


def _read(written: str) -> date | datetime:
    return date.fromisoformat(written) if len(written) == len("2026-03-05") else datetime.fromisoformat(written)


READER = (kz_text, kz_lang, kz_words, kz_title, kz_notes, kz_number, kz_money, kz_size, kz_date, kz_last_day)
