"""YAML of law: a mistake is told with its file, its line and a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from ckanext.kzopen.core.yaml_source import Source, SourceError, read


class Rule(Source):
    name: str
    days: int
    off: bool = False


class Rules(Source):
    rules: list[Rule]


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(path: Path) -> list[tuple[int, str]]:
    with pytest.raises(SourceError) as caught:
        read(path, Rules)
    return caught.value.mistakes


def test_a_right_file_becomes_its_model(tmp_path: Path) -> None:
    rules, document = read(written(tmp_path, "rules:\n  - name: a\n    days: 3\n    off: yes\n"), Rules)
    assert rules == Rules(rules=[Rule(name="a", days=3, off=True)])
    assert document.line(("rules", 0, "days")) == 3


def test_a_key_that_is_missing_is_told_at_the_line_of_its_parent(tmp_path: Path) -> None:
    assert mistakes(written(tmp_path, "rules:\n  - name: a\n    days: 3\n  - name: b\n")) == [
        (4, "rules.1.days: Field required")
    ]


def test_an_unknown_key_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(written(tmp_path, "rules:\n  - name: a\n    dayz: 3\n    days: 3\n")) == [
        (3, "rules.0.dayz: Extra inputs are not permitted")
    ]


def test_a_key_given_twice_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(written(tmp_path, "rules:\n  - name: a\n    days: 3\n    days: 4\n")) == [(4, "'days' is given twice")]


def test_what_is_not_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "rules:\n  - [a\n")
    with pytest.raises(SourceError, match=r"rules\.yaml:3: this is not YAML"):
        read(path, Rules)
