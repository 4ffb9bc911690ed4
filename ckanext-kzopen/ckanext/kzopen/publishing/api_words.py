"""The descriptions of the universal API in the reader's language: English in the models, Kazakh and Russian in a table."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ckanext.kzopen.core.yaml_source import LOADER

TABLE = Path(__file__).with_name("api_words.yaml")


@cache
def words() -> dict[str, dict[str, str]]:
    """Kazakh and Russian, by the English sentence."""
    found: dict[str, dict[str, str]] = yaml.load(TABLE.read_bytes(), Loader=LOADER)  # noqa: S506
    return found


def told(part: Any, language: str) -> Any:
    """A part of the document with its descriptions in a language; what has no words in it stays English."""
    if isinstance(part, list):
        return [told(one, language) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: told(value, language) for name, value in part.items()}
    if isinstance(described := part.get("description"), str):
        found["description"] = words().get(described, {}).get(language, described)
    return found
