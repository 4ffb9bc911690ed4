"""What a reader reads of news: the sentence of its kind, filled, in a language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.notices.addresses import page


@dataclass(frozen=True)
class Line:
    """One piece of news for one reader: the sentence, the absolute address, when it happened."""

    title: str
    link: str
    at: datetime


def letter(kind: str, values: dict[str, Any], language: str) -> mail.Letter:
    """The template of the kind, filled; `link` is made absolute."""
    return mail.rendered(kind, language, values | {"link": page(values["link"], language)})


def line(news: Any, language: str) -> Line:
    """The sentence of a row of `kzopen.news`."""
    return Line(letter(news.kind, news.values, language).subject, page(news.values["link"], language), news.at)
