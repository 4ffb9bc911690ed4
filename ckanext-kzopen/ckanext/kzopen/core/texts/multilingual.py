"""A text in several languages is a plain dict, `{"kk": …, "ru": …, "en": …}`.

It is the form of the `*_translated` fields that ckanext-fluent and ckanext-dcat understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from annotated_types import MinLen
from typing_extensions import TypedDict

LANGUAGES = ("kk", "ru", "en")
"""The languages of the portal, in the order in which one stands in for another that is missing."""


class Words(TypedDict):
    """A text that must be there in every language of the portal (labels, sentences of errors)."""

    kk: Annotated[str, MinLen(1)]
    ru: Annotated[str, MinLen(1)]
    en: Annotated[str, MinLen(1)]


def primary(tag: str) -> str:
    """The language of a tag without its region and script: `ru-KZ` and `ru_RU` are `ru`; `kz`, a usual slip, is `kk`."""
    language = tag.replace("_", "-").split("-")[0].lower()
    return "kk" if language == "kz" else language


_fall_back: list[str] = list(LANGUAGES)


def fall_back_to(order: Iterable[str]) -> None:
    """Set, once at the start, the order in which languages stand in for a missing one (`kzopen.languages`)."""
    _fall_back[:] = [*dict.fromkeys([*(primary(language) for language in order), *LANGUAGES])]


def in_language(value: str | Mapping[str, object] | None, language: str, order: Iterable[str] | None = None) -> str:
    """The text in `language`, else in the first language of `order` that has one, else in any; "" where there is none.

    `order` is that of the settings when it is not given.

    A plain string is returned as it is, so that fields filled before they became multilingual go on working.
    """
    if value is None or isinstance(value, str):
        return value or ""
    for candidate in (primary(language), *(_fall_back if order is None else order), *value):
        text = value.get(candidate)
        if isinstance(text, str) and text:
            return text
    return ""
