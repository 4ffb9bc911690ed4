"""A reader finds every name in the generated pages, and the pages are those that the code would give now."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from ckanext.kzopen.core.law.states import load_machines
from ckanext.kzopen.core.law.terms import load_terms
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import documenting, reference
from ckanext.kzopen.runtime.command import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = documenting.pages()
REFERENCE = (ROOT / "docs/reference.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES)
def test_a_generated_page_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path], "./kzopen check --mend writes it"


def test_an_edited_page_is_called_out_of_date_and_written_anew(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for path, content in PAGES.items():
        (tmp_path / path).write_text(content, encoding="utf-8")
    (tmp_path / "docs/settings.md").write_text("# Settings\n", encoding="utf-8")
    assert documenting.write(tmp_path) == ["docs/settings.md"]
    assert documenting.outdated(tmp_path) == []


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_has_its_line(name: str) -> None:
    assert f"| `{name}` | `KZOPEN_{name.upper()}` |" in (ROOT / "docs/settings.md").read_text(encoding="utf-8")


COMMANDS = [context.command_path for context in documenting.commands(click.Context(main, info_name="./kzopen"))]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section_and_an_example(name: str) -> None:
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
    assert f"Usage: {name} [OPTIONS]" in section
    assert f"Example: {name}" in section


def test_commands_that_live_elsewhere_are_shown_too() -> None:
    assert {"./kzopen serve", "./kzopen publish", "./kzopen demo load", "./kzopen user add"} <= set(COMMANDS)


def test_every_plugin_has_its_line() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in project["entry-points"]["ckan.plugins"]:
        assert f"| `{name}` |" in REFERENCE


@pytest.mark.parametrize("machine", load_machines().values(), ids=lambda machine: machine.kind)
def test_every_state_and_transition_has_its_line(machine: Any) -> None:
    section = REFERENCE.split(f"### {machine.kind}: ")[1]
    for name in (*machine.states, *machine.transitions):
        assert f"\n| `{name}` |" in section


def test_every_error_code_has_its_line() -> None:
    for path in reference.error_tables():
        for code in yaml.safe_load(path.read_text(encoding="utf-8")):
            assert f"\n| `{code}` |" in REFERENCE


def test_a_term_that_was_not_read_in_the_law_is_called_unverified() -> None:
    for name, term in load_terms().items():
        lines = [line for line in REFERENCE.splitlines() if line.startswith(f"| `{name}` |")]
        assert [line.endswith("| *unverified* |") for line in lines] == [not period.verified for period in term.periods]


def test_every_action_of_our_plugins_has_its_line() -> None:
    names = [row[0] for row in reference.action_rows(reference.plugins(ROOT))]
    assert "`dataset_purge`" in names
    for name in names:
        assert f"\n| {name} |" in REFERENCE


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert reference.table(("a", "b"), [("x|y", "two\nlines")]) == "| a | b |\n|---|---|\n| x\\|y | two lines |\n"
