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
    return COMMANDS_HEAD + "".join(
        f"\n## {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```\n"
        for context in commands(click.Context(main, info_name="./kzopen"))
    )


def commands(context: click.Context) -> Iterator[click.Context]:
    """Each command that does something, as its context: what is called, and by which words."""
    command = context.command
    if not isinstance(command, click.Group):
        yield context
        return
    if usual := getattr(command, "default", None):
        yield click.Context(
            usual, parent=context.parent, info_name=context.info_name, terminal_width=110, max_content_width=110
        )
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None and not below.hidden:
            yield from commands(
                click.Context(below, parent=context, info_name=name, terminal_width=110, max_content_width=110)
            )


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        sys.stdout.writelines(f"wrote {path}\n" for path in write(ROOT))
    else:
        sys.exit(told(outdated(ROOT)) or 0)
