"""Links between our pages lead somewhere, and commands that a guide shows work."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from ckanext.kzopen.core.settings import Settings
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


def commands(page: Path, mark: str) -> list[str]:
    """Lines after `$` in ```console fences whose first line carries `mark`."""
    blocks = [match["body"] for match in CONSOLE.finditer(page.read_text(encoding="utf-8")) if match["mark"].strip() == mark]
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


TESTED = [(page, command) for page in PAGES for command in commands(page, "tested")]


@pytest.mark.parametrize(("page", "command"), TESTED, ids=[f"{shown(page)}: {command}" for page, command in TESTED])
def test_a_command_marked_as_tested_works(page: Path, command: str) -> None:
    done = subprocess.run(
        ["bash", "-euc", command], cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_some_commands_are_marked_as_tested() -> None:
    assert len(TESTED) >= 5


def launcher_lines() -> list[tuple[Path, str]]:
    """Every call of the launcher that a guide shows, in a fence or in the text."""
    pattern = re.compile(r"(?:^\$ |`)((?:[A-Z_]+=\S+ )*\./kzopen [^`\n]*)", re.MULTILINE)
    return [
        (page, line)
        for page in PAGES
        for line in pattern.findall(page.read_text(encoding="utf-8"))
        if page.name != "commands.md"
    ]


@pytest.mark.parametrize(
    ("page", "line"), launcher_lines(), ids=lambda value: value if isinstance(value, str) else shown(value)
)
def test_a_command_of_the_launcher_exists_with_its_options(page: Path, line: str) -> None:
    words = shlex.split(line.split(" > ")[0].split(" | ")[0].split(" && ")[0], comments=True)
    words = words[words.index("./kzopen") + 1 :]
    command = main
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
    assert command is not main or words[:1] in (["--help"], ["COMMAND"]), f"{line}: no such command"
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    passed_on = command.context_settings.get("ignore_unknown_options", False)
    assert passed_on or {word.split("=")[0] for word in words if word.startswith("--")} <= known


def test_every_variable_that_a_guide_names_is_a_setting() -> None:
    known = {f"KZOPEN_{name.upper()}" for name in Settings.model_fields} | OF_TOOLS
    for page in PAGES:
        named = set(re.findall(r"\bKZOPEN_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8")))
        assert named <= known, shown(page)


# Read by the launcher's first step, the tests and the gate, before there are settings.
OF_TOOLS = {"KZOPEN_VENV", "KZOPEN_TEST_DATA", "KZOPEN_CI_TIME", "KZOPEN_TEST_PORTAL", "KZOPEN_TEST_PORT"}
