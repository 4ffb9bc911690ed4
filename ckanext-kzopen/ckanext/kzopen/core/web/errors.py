"""Errors that people see: a code, parameters and a sentence in each language.

    raise KzError("publishing.too_large", size=size, limit=limit)

The sentence and the HTTP status lie in a table beside the domain, `errors.yaml`, that the domain's `__init__.py` or
`plugin.py` announces once with `errors.load(Path(__file__).with_name("errors.yaml"))`:

    publishing.too_large:
      status: 413
      kk: Файл тым үлкен: {size:size}, рұқсат етілгені – {limit:size}.
      ru: "Файл слишком велик: {size:size}, допустимо {limit:size}."
      en: "The file is too large: {size:size}; {limit:size} is allowed."

A table is refused when a language is missing or when its placeholders differ between languages; an unknown code or a
missing parameter fails where the error is made. Parameters are told in the reader's form: numbers and dates are
formatted (pass a code or a year as a string), a dict is a multilingual text, `{n:size}` is bytes, `{n:money}` is tenge.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Interval
from ckanext.kzopen.core.texts import LANGUAGES, Words, in_language, reader_form
from ckanext.kzopen.core.yaml_source import Document, Source, read
from pydantic import RootModel


class Template(Source):
    """The HTTP status of an error and its sentence, with `{placeholders}`."""

    status: Annotated[int, Interval(ge=400, le=599)] = 400
    kk: str
    ru: str
    en: str

    @property
    def sentence(self) -> Words:
        return {"kk": self.kk, "ru": self.ru, "en": self.en}

    def placeholders(self, language: str) -> set[str]:
        parsed = string.Formatter().parse(getattr(self, language))
        return {name for _text, name, _spec, _conversion in parsed if name}


class Table(RootModel[dict[str, Template]]):
    """The errors of one domain by code, `domain.what_is_wrong`."""


_templates: dict[str, Template] = {}


def load(path: Path) -> None:
    """Make the errors of one domain known; the same file may be loaded again."""
    table, document = read(path, Table)
    _check(table.root, document)
    _templates.update(table.root)


def _check(table: dict[str, Template], document: Document) -> None:
    mistakes: list[tuple[tuple[str, ...], str]] = []
    for code, template in table.items():
        wanted = template.placeholders("en")
        for language in LANGUAGES:
            if not getattr(template, language).strip():
                mistakes.append(((code, language), f"{code} has no sentence in {language}"))
            elif template.placeholders(language) != wanted:
                mistakes.append(((code, language), f"{code}: the placeholders in {language} are not those in en"))
    if mistakes:
        raise document.error(*mistakes)


def codes() -> list[str]:
    """Every code known so far, for the documentation and the tests."""
    return sorted(_templates)


def template(code: str) -> Template | None:
    """The status and sentences of a code, for the page that explains it."""
    return _templates.get(code)


class KzError(Exception):
    """Something that the reader must know, as data: `code`, `params`, HTTP `status`; `text(language)` is the sentence."""

    def __init__(self, code: str, /, **params: Any) -> None:
        if code not in _templates:
            raise LookupError(f"no errors.yaml that is loaded has the code {code}")
        missing = _templates[code].placeholders("en") - params.keys()
        if missing:
            raise TypeError(f"the error {code} needs {', '.join(sorted(missing))}")
        self.code = code
        self.params = params
        super().__init__(self.text("en"))

    @property
    def status(self) -> int:
        return _templates[self.code].status

    def text(self, language: str) -> str:
        """The sentence in `language`, parameters in that language's form."""
        template = in_language(_templates[self.code].sentence, language, order=("en",))
        return _Formatter(language).vformat(template, (), self.params)


class _Formatter(string.Formatter):
    def __init__(self, language: str) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        return reader_form(value, self._language, format_spec)


load(Path(__file__).with_name("errors.yaml"))
