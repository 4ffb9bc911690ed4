"""Reads YAML of law and words into pydantic models; an error names the file, the line and what is wrong in a sentence.

Used for everything under `schemas/` and for the tables of error texts. Keys that the model does not know, keys given
twice and values of the wrong kind are errors: a slip in a table of law must stop the start, not change a deadline.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

Place = tuple[str | int, ...]
T = TypeVar("T", bound=BaseModel)
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That of libyaml takes a tenth of the time, and whatever loads the portal reads forty files; PyYAML may come without it."""


class Source(BaseModel):
    """Parent of the models that are read from YAML: frozen, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class SourceError(Exception):
    """A YAML file of ours is wrong; the message is `file:line: sentence`, one line for each mistake."""

    def __init__(self, path: Path, mistakes: list[tuple[int, str]]) -> None:
        self.path = path
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(f"{path}:{line}: {sentence}" for line, sentence in self.mistakes))


class Document:
    """The data of one YAML file and the line of each of its keys and items."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[Place, int] = {(): 1}
        self._mistakes: list[tuple[int, str]] = []
        self.data: Any = self._parse(path)
        if self._mistakes:
            raise SourceError(path, self._mistakes)

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it (a missing key has no line of its own)."""
        while place not in self._lines:
            place = place[:-1]
        return self._lines[place]

    def error(self, *mistakes: tuple[Place, str]) -> SourceError:
        return SourceError(self.path, [(self.line(place), sentence) for place, sentence in mistakes])

    def _parse(self, path: Path) -> Any:
        loader = LOADER(path.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            return None if node is None else self._value(loader, node, ())
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise SourceError(path, [(line, f"this is not YAML: {error.problem}")]) from error
        finally:
            loader.dispose()

    def _value(self, loader: Any, node: yaml.Node, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(loader, node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(loader, item, (*place, n)) for n, item in enumerate(node.value)]
        return loader.construct_object(node, deep=True)

    def _mapping(self, loader: Any, node: yaml.MappingNode, place: Place) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)  # as it is written: YAML 1.1 would make `off`, `on`, `no` and `yes` true or false
            line = key_node.start_mark.line + 1
            if key in data:
                self._mistakes.append((line, f"'{key}' is given twice"))
            self._lines[(*place, key)] = line
            data[key] = self._value(loader, value_node, (*place, key))
        return data


def read(path: Path, model: type[T]) -> tuple[T, Document]:
    """The file as `model`, with its document for checks that the model cannot make; raises SourceError."""
    document = Document(path)
    try:
        return model.model_validate(document.data), document
    except ValidationError as error:
        raise document.error(*(_mistake(e["loc"], e["msg"]) for e in error.errors())) from error


def _mistake(place: Place, message: str) -> tuple[Place, str]:
    name = ".".join(str(step) for step in place)
    return place, f"{name}: {message}" if name else message


def schemas(*parts: str) -> Path:
    """A file or folder under `schemas/`, as the installed package `kzopen_schemas` has it."""
    return Path(str(files("kzopen_schemas").joinpath(*parts)))
