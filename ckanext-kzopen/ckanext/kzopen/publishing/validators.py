"""Validators of package fields that hold a text in several languages; stored as JSON, given out as a dict."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.texts import LANGUAGES, in_language

Key = tuple[Any, ...]
Flattened = dict[Key, Any]
_SHAPE = 'must be {"kk": …, "ru": …, "en": …}'


def translated_text(key: Key, data: Flattened, errors: Flattened, context: Any) -> None:
    """A dict of languages, its JSON, or the form's inputs `<field>-<language>`; languages without a text are left out."""
    _store(key, data, errors, _text)


def translated_words(key: Key, data: Flattened, errors: Flattened, context: Any) -> None:
    """The same with a list of words for each language, or words in one string, separated by commas."""
    _store(key, data, errors, _words)


def from_json(value: Any) -> Any:
    """What is stored as JSON, as it was given; what is no JSON is left as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def from_translated(field: str) -> Callable[[Key, Flattened, Flattened, Any], None]:
    """A validator that fills a field without languages from `field`: in the portal's first language that has a text."""

    def fill(key: Key, data: Flattened, errors: Flattened, context: Any) -> None:
        # CKAN checks fields in the order of their names: `field` may not have been read from the form yet.
        place = (*key[:-1], field)
        translated = from_json(data.get(place)) or _from_form(place, data)
        if isinstance(translated, dict) and (text := in_language(translated, LANGUAGES[0])):
            data[key] = text

    return fill


def _store(key: Key, data: Flattened, errors: Flattened, clean: Callable[[Any], Any]) -> None:
    given = data.get(key)
    if given is tk.missing or not given:
        given = _from_form(key, data)
    if not given:
        data.pop(key, None)
        raise tk.StopOnError
    try:
        cleaned = {language: clean(value) for language, value in _dict(given).items()}
    except tk.Invalid as error:
        errors[key].append(error.error)
        raise tk.StopOnError from error
    data[key] = json.dumps({language: value for language, value in cleaned.items() if value}, ensure_ascii=False)


def _from_form(key: Key, data: Flattened) -> dict[str, Any]:
    """What the inputs of CKAN's own form hold; CKAN puts inputs that it does not know under `__extras`."""
    extras = data.get((*key[:-1], "__extras"), {})
    names = {language: f"{key[-1]}-{language}" for language in LANGUAGES}
    return {language: extras[name] for language, name in names.items() if name in extras}


def _dict(value: Any) -> dict[str, Any]:
    given = from_json(value)
    if not isinstance(given, dict) or any(language not in LANGUAGES for language in given):
        raise tk.Invalid(_SHAPE)
    return given


def _text(text: Any) -> str:
    if not isinstance(text, str):
        raise tk.Invalid(_SHAPE)
    return text.strip()


def _words(words: Any) -> list[str]:
    found = words.split(",") if isinstance(words, str) else words
    if not isinstance(found, list) or any(not isinstance(word, str) for word in found):
        raise tk.Invalid(_SHAPE)
    return list(dict.fromkeys(word.strip() for word in found if word.strip()))
