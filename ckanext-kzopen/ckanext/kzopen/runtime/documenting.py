"""Pages of `docs/` that are generated: settings, commands, reference.

`./kzopen check pages` compares them with the code; `./kzopen check --mend` writes them anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from ckanext.kzopen.core.settings import reference_page
from ckanext.kzopen.runtime import reference
from ckanext.kzopen.runtime.command import main

ROOT = Path(__file__).resolve().parents[4]
COMMANDS_HEAD = """# Commands

Generated from the commands' own help by `./kzopen check --mend`; a test fails when this page is out of date.
"""


def pages() -> dict[str, str]:
    """All generated pages: path below the checkout and content."""
    return {
        "docs/settings.md": reference_page(),
        "docs/commands.md": commands_page(),
        "docs/reference.md": reference.page(ROOT),
    }


def outdated(root: Path) -> list[str]:
    """The generated pages that differ from what would be generated now."""
    return [path for path, content in pages().items() if not (root / path).exists() or (root / path).read_text() != content]


def told(paths: Iterable[str]) -> str:
    """The outdated pages in a sentence each."""
    return "\n".join(f"{path} is out of date; ./kzopen check --mend writes it" for path in paths)


def write(root: Path) -> list[str]:
    """Write the outdated pages; their paths."""
    made, paths = pages(), outdated(root)
    for path in paths:
        (root / path).write_text(made[path], encoding="utf-8")
    return paths


def commands_page() -> str:
    """Every command with its help, by name."""
    return COMMANDS_HEAD + "".join(_help(main, click.Context(main, info_name="./kzopen")))


def _help(command: click.Command, context: click.Context) -> Iterator[str]:
    """The section of a command, or those of the commands in a group."""
    if not isinstance(command, click.Group):
        yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
        return
    for name, below in sorted(command.commands.items()):
        if not below.hidden:
            settings = {"terminal_width": 110, "max_content_width": 110}
            yield from _help(below, click.Context(below, parent=context, info_name=name, **settings))  # type: ignore[arg-type]


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        sys.stdout.writelines(f"wrote {path}\n" for path in write(ROOT))
    else:
        sys.exit(told(outdated(ROOT)) or 0)
