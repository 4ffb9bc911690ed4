"""The sentences of all findings, from `sentences.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml
from ckanext.kzopen.core.yaml_source import LOADER

LANGUAGES = ("kk", "ru", "en")


@cache
def table() -> dict[str, dict[str, str]]:
    """Sentences by `code` or `code.reason`, each in kk, ru and en."""
    with Path(__file__).with_name("sentences.yaml").open(encoding="utf-8") as file:
        found: dict[str, dict[str, str]] = yaml.load(file, Loader=LOADER)  # noqa: S506
    return found


def sentence(code: str, reason: str, lang: str, params: Mapping[str, str]) -> str:
    """The sentence of a code, of its `reason` when that has one of its own; an unknown language is told in English."""
    sentences = table()
    template = sentences.get(f"{code}.{reason}") or sentences[code]
    return _Gaps().vformat(template.get(lang, template["en"]), (), _in_words(params, lang))


def _in_words(params: Mapping[str, str], lang: str) -> dict[str, str]:
    """A type's name (`type`) as the reader calls it."""
    words = dict(params)
    if "type" in words and f"type.{words['type']}" in table():
        words["type"] = table()[f"type.{words['type']}"].get(lang, words["type"])
    return words


class _Gaps(Formatter):
    """A parameter that a finding does not have is told as a dash: the sentence must come in any case."""

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), "—")
