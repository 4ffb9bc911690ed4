"""The harvest API as the commands use it, and what they print of its runs and items."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import httpx
from ckanext.kzopen.runtime.publishing import client_for

COUNTS = ("seen", "added", "changed", "unchanged", "removed", "failed")
ROUND = 1.0
PAGE = 1000
Command = Callable[..., Any]


def connected(command: Command) -> Command:
    """The options by which every command finds the portal and somebody's token."""
    options = (
        click.option("--url", help="Address of the portal (default: what the settings say)."),
        click.option("--token", envvar="KZOPEN_TOKEN", help="API token (default: KZOPEN_TOKEN, then the operator's)."),
        click.option("--lang", type=click.Choice(["kk", "ru", "en"]), default="en", show_default=True, help="Language."),
        click.option(
            "--data", type=click.Path(path_type=Path, file_okay=False), help="Data directory whose operator's token is used."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


class Portal:
    """The harvest API of a portal."""

    def __init__(self, **connection: Any) -> None:
        self.client = client_for(**connection)
        self.client.base_url = str(self.client.base_url).replace("/api/universal/v1/", "/api/harvest/v1/")

    def get(self, path: str, **params: Any) -> Any:
        return told(self.client.get(path, params=params))

    def post(self, path: str, **body: Any) -> Any:
        return told(self.client.post(path, json=body))

    def put(self, path: str, body: dict[str, Any]) -> Any:
        return told(self.client.put(path, json=body))


def told(answer: httpx.Response) -> Any:
    """The answer's content; a problem ends the command with its sentence."""
    try:
        content = answer.json()
    except ValueError as error:
        raise click.ClickException(f"the portal answered {answer.status_code} without words") from error
    if answer.is_error:
        raise click.ClickException(str(content.get("detail") or content))
    return content


def items(portal: Portal, run_id: str, **chosen: str) -> Iterator[dict[str, Any]]:
    """The items of a run, page by page."""
    offset = 0
    while found := portal.get(f"runs/{run_id}/items", limit=PAGE, offset=offset, **chosen):
        yield from found
        offset += len(found)


def follow(portal: Portal, found: dict[str, Any]) -> dict[str, Any]:
    """Wait for a run's end, with a line that tells how far it is and about how long it still takes."""
    shown = ""
    while found["under_way"]:
        time.sleep(ROUND)
        found = portal.get(f"runs/{found['id']}")
        line = progress(found)
        if line != shown and sys.stderr.isatty():
            click.echo(f"\r{line:<79}", err=True, nl=False)
        shown = line
    if sys.stderr.isatty():
        click.echo(f"\r{'':<79}\r", err=True, nl=False)
    return found


def progress(found: dict[str, Any]) -> str:
    """`fetching: 120 of 2000, 18.2/s, about 103 s left`."""
    seen = found["seen"] or 0
    if found["rate"] is None:
        usual = f", about {found['seconds_left']} s left if it takes as long as before" if found["seconds_left"] else ""
        return f"{found['state_label']}: {seen} found{usual}"
    done, rate, left = seen - found["left"], found["rate"], found["seconds_left"]
    return f"{found['state_label']}: {done} of {seen}, {rate:g}/s, about {left} s left"


def summary(found: dict[str, Any]) -> str:
    """One line: state and counts; then how many wait for a person, and what is wrong."""
    counts = ", ".join(f"{name} {found[name]}" for name in COUNTS if found.get(name) is not None)
    waiting = f"\n{found['waiting']} waiting for a person" if found["waiting"] else ""
    said = f"\n{found['sentence']}" if found["sentence"] else ""
    return f"{found['state_label']}: {counts}{waiting}{said}"


def item_lines(item: dict[str, Any]) -> list[str]:
    """An item with its differences, field by field."""
    lines = [f"  {item['outcome'] or '…':<10} {item['uri'] or item['guid']}"]
    differences = item["differences"] or {}
    for part in ("fields", "columns"):
        for field, (before, after) in (differences.get(part) or {}).items():
            lines.append(f"      {field}: {before or '–'} → {after or '–'}")
    rows = [f"{name} {differences[name]}" for name in ("rows", "added", "changed", "removed") if name in differences]
    lines += [f"      table: {', '.join(rows)}"] if rows else []
    return lines + ([f"      {item['sentence']}"] if item["sentence"] else [])
