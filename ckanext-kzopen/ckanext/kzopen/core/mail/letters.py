"""Letters: a template filled with values, in one language. Pure: files in, subject and text out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from ckanext.kzopen.core.texts import LANGUAGES, primary, reader_form
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_folders: list[Path] = []


@dataclass(frozen=True)
class Letter:
    """What is read: `subject` is one line, `text` plain text."""

    subject: str
    text: str


def templates(folder: Path) -> None:
    """Announce a folder of templates; names are `<section>.<what>` so that sections do not meet."""
    if folder not in _folders:
        _folders.append(folder)
        _environment.cache_clear()


def template_names() -> list[str]:
    """The templates of all announced folders."""
    return sorted({path.name.removesuffix(".yaml") for folder in _folders for path in folder.glob("*.yaml")})


def sample(template: str) -> dict[str, Any]:
    """Values to try a template with, from the file `<template>.yaml` beside it; their names are what it must be given."""
    for folder in _folders:
        path = folder / f"{template}.yaml"
        if path.exists():
            found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            return found
    raise LookupError(f"there is no mail template {template}; known: {', '.join(template_names())}")


def rendered(template: str, language: str, values: Mapping[str, Any]) -> Letter:
    """The template in `language` (else in the portal's first one) filled with `values`.

    Values are told in the reader's form (`texts.reader_form`): a dict is a text in several languages, dates and numbers are
    formatted. A value that the template asks for and that is missing is an error of the caller (jinja2.UndefinedError).
    """
    chosen = primary(language) if primary(language) in LANGUAGES else LANGUAGES[0]
    text = _environment(chosen).get_template(f"{template}.{chosen}.txt").render(values)
    first, _, rest = text.partition("\n")
    return Letter(" ".join(first.split()), rest.strip() + "\n")


@lru_cache(maxsize=len(LANGUAGES))
def _environment(language: str) -> Environment:
    """Plain text: nothing is escaped as HTML. Control and direction marks in values are taken out."""

    def told(value: Any, form: str = "") -> str:
        return _CONTROL.sub("", reader_form(value, language, form))

    environment = Environment(
        loader=FileSystemLoader(_folders),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, StrictUndefined) else told(value),
        autoescape=False,  # noqa: S701 - the HTML part is made of the text later, and escaped there
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["told"] = told
    return environment
