"""Template helpers for the fields of a passport."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib.i18n import get_lang
from ckanext.kzopen.core.texts import LANGUAGES, in_language, number


def kzopen_in_language(value: Any) -> str:
    """A text in several languages as the reader of the page needs it."""
    return in_language(value, get_lang())


def kzopen_words(value: Any) -> list[str]:
    """Words in several languages: those of the page's language, else of the first language that has some."""
    if not isinstance(value, dict):
        return []
    return next((words for language in (get_lang(), *LANGUAGES) if (words := value.get(language))), [])


def kz_told(value: Any) -> str:
    """A cell of a preview in the reader's form: numbers grouped, yes or no in words, texts as they are."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return tk._("yes") if value else tk._("no")
    return number(value, get_lang()) if isinstance(value, int | float) else str(value)
