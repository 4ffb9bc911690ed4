"""What people are told of how their query was read, in their language."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ckanext.kzopen.core.texts import Words, in_language
from ckanext.kzopen.core.yaml_source import read
from pydantic import RootModel


class _Hints(RootModel[dict[str, Words]]):
    """Sentences in kk, ru and en by the name of a hint."""


@cache
def known() -> dict[str, Words]:
    """All hints."""
    table, _document = read(Path(__file__).with_name("hints.yaml"), _Hints)
    return table.root


def sentences(names: Iterable[str], language: str) -> list[str]:
    """The sentences of some hints in a language."""
    return [in_language(known()[name], language) for name in names]
