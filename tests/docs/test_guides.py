"""Links between our pages lead somewhere, and commands that a guide shows work."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import documenting
from ckanext.kzopen.runtime.command import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CONSOLE = re.compile(r"```console(?P<mark>[^\n]*)\n(?P<body>.*?)```", re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Anchors as GitHub makes them of headings."""
    made = set()
    for heading in HEADING.findall(page.read_text(encoding="utf-8")):
        kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        made.add(kept.replace(" ", "-"))
    return made


def broken_links(page: Path) -> list[str]:
    """Targets within the repository that do not exist."""
    found = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](#one-two) [b](#three) [c](page.md#one-two) [d](none.md) [e](https://example.org)\n")
    assert broken_links(page) == ["#three", "none.md"]


def fenced(page: Path, mark: str) -> list[str]:
    """Lines after `$` in ```console fences whose first line carries `mark`."""
    blocks = [match["body"] for match in CONSOLE.finditer(page.read_text(encoding="utf-8")) if match["mark"].strip() == mark]
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


TESTED = [(page, command) for page in PAGES for command in fenced(page, "tested")]


@pytest.mark.parametrize(("page", "command"), TESTED, ids=[f"{shown(page)}: {command}" for page, command in TESTED])
def test_a_command_marked_as_tested_works(page: Path, command: str) -> None:
    done = subprocess.run(
        ["bash", "-euc", command], cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_some_commands_are_marked_as_tested() -> None:
    assert len(TESTED) >= 4


def launcher_lines() -> list[tuple[Path, str]]:
    """Every call of the launcher that a guide shows, in a fence or in the text."""
    pattern = re.compile(r"(?:^\$ |`)(?:[A-Z_]+=\S+ )*(\./kzopen [^`\n]*)", re.MULTILINE)
    return [
        (page, line)
        for page in PAGES
        for line in pattern.findall(page.read_text(encoding="utf-8"))
        if page.name != "commands.md"
    ]


COMMANDS = {c.command_path: c.command for c in documenting.commands(click.Context(main, info_name="./kzopen"))}


def options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


CALLS = launcher_lines()


@pytest.mark.parametrize(("page", "line"), CALLS, ids=[f"{shown(page)}: {line}" for page, line in CALLS])
def test_a_command_of_the_launcher_exists_with_its_options(page: Path, line: str) -> None:
    called = re.split(r" [>|&#]", line)[0]
    names = [name for name in COMMANDS if f"{called} ".startswith(f"{name} ")]
    assert names or called in SAID_OF_ALL, "no such command"
    for name in sorted(names, key=len)[-1:]:
        given = {word.split("=")[0] for word in shlex.split(called) if word.startswith("--")}
        assert COMMANDS[name].context_settings.get("ignore_unknown_options") or given <= options(COMMANDS[name])


# How guides speak of commands in general.
SAID_OF_ALL = {"./kzopen COMMAND --help", "./kzopen …"}


def named_variables() -> dict[Path, set[str]]:
    """The variables that each guide names."""
    return {page: set(re.findall(r"\bKZOPEN_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8"))) for page in PAGES}


def test_every_variable_that_a_guide_names_is_a_setting() -> None:
    known = {f"KZOPEN_{name.upper()}" for name in Settings.model_fields} | OF_TOOLS
    for page, named in named_variables().items():
        assert named <= known, shown(page)


def test_every_variable_of_a_tool_that_is_let_through_is_named_in_a_guide() -> None:
    assert set().union(*named_variables().values()) >= OF_TOOLS


# Read by the launcher's first step, single commands, the tests and the gate; not settings of a portal.
OF_TOOLS = {
    "KZOPEN_VENV",
    "KZOPEN_PORTAL",
    "KZOPEN_TOKEN",
    "KZOPEN_EXAMPLES",
    "KZOPEN_TEST_DATA",
    "KZOPEN_TEST_PORTAL",
    "KZOPEN_TEST_PORT",
}
