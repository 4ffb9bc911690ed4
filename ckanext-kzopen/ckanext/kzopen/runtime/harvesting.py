"""`./kzopen harvest …`: sources and their runs from the command line, through the portal's own API."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import httpx
from ckanext.kzopen.runtime.publishing import client_for

COUNTS = ("seen", "added", "changed", "unchanged", "removed", "failed")
ROUND = 1.0
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
        client = client_for(**connection)
        base = str(client.base_url).replace("/api/universal/v1/", "/api/harvest/v1/")
        self.client = httpx.Client(base_url=base, headers=client.headers, timeout=120)

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


@click.group()
def harvest() -> None:
    """Sources from which agencies' data sets are fetched, and their runs.

    Example: ./kzopen harvest list
    """


@harvest.command("kinds")
@connected
def list_kinds(**connection: Any) -> None:
    """The kinds of sources and the settings of each.

    Example: ./kzopen harvest kinds
    """
    for kind in Portal(**connection).get("kinds"):
        click.echo(f"{kind['name']}: {kind['label']}")
        for field in kind["settings"]:
            need = " (required)" if field["required"] else ""
            click.echo(f"  {field['name']}: {field['label']}{need}{'. ' + field['hint'] if field['hint'] else ''}")


@harvest.command()
@click.argument("name")
@click.option("--kind", required=True, help="The kind of source, see ./kzopen harvest kinds.")
@click.option("--agency", required=True, help="The agency that owns what is fetched: its name in addresses, or its id.")
@click.option("--title", default="", help="What people call it.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the kind; may be repeated.")
@click.option("--default", "defaults", multiple=True, metavar="NAME=VALUE", help="category, periodicity, prefix, pause …")
@click.option("--schedule", default="", help='Cron line in the time of Astana, such as "30 2 * * *"; empty = by hand.')
@click.option("--threshold", type=float, default=0.2, show_default=True, help="Share of withdrawals that needs no person.")
@connected
def add(name: str, settings: tuple[str, ...], defaults: tuple[str, ...], **given: Any) -> None:
    """Make a source. It is a draft until it was previewed and switched on.

    Example: ./kzopen harvest add statistics --kind ckan --agency bns --set address=https://data.example.kz
    """
    connection = {option: given.pop(option) for option in ("url", "token", "data", "lang")}
    body = given | {"name": name, "settings": pairs(settings), "defaults": pairs(defaults)}
    source = Portal(**connection).post("sources", **body)
    click.echo(f"{source['name']} is a draft; next: ./kzopen harvest preview {source['name']}")


def pairs(given: tuple[str, ...]) -> dict[str, Any]:
    """What `NAME=VALUE` says; a value that is JSON (lists, mappings, true) is taken as such."""
    found: dict[str, Any] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign:
            raise click.ClickException(f"{one}: write NAME=VALUE")
        found[name] = json.loads(value) if value[:1] in "{[" and value else {"true": True, "false": False}.get(value, value)
    return found


@harvest.command("list")
@connected
def list_sources(**connection: Any) -> None:
    """The sources: kind, state, when each runs next.

    Example: ./kzopen harvest list
    """
    for source in Portal(**connection).get("sources"):
        when = source["next_run"] or "by hand"
        click.echo(f"{source['name']:<30} {source['kind']:<16} {source['state']:<8} {source['agency']:<24} {when}")


@harvest.command()
@click.argument("name")
@connected
def preview(name: str, **connection: Any) -> None:
    """Fetch the first 20 items and show what they would become; nothing is published.

    Example: ./kzopen harvest preview statistics
    """
    _run(Portal(**connection), name, "preview", show_items=True)


@harvest.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only show what would be added, changed and removed.")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@connected
def run(name: str, dry_run: bool, detach: bool, **connection: Any) -> None:
    """Run a source now and show how far it is. Ends with 1 when the run fails or its counts do not add up.

    Example: ./kzopen harvest run statistics --dry-run
    """
    portal = Portal(**connection)
    if detach:
        click.echo(portal.post(f"sources/{name}/runs", purpose="dry" if dry_run else "harvest")["id"])
        return
    _run(portal, name, "dry" if dry_run else "harvest", show_items=dry_run)


def _run(portal: Portal, name: str, purpose: str, *, show_items: bool) -> None:
    found = follow(portal, portal.post(f"sources/{name}/runs", purpose=purpose))
    if show_items:
        for item in portal.get(f"runs/{found['id']}/items", limit=1000):
            click.echo("\n".join(item_lines(item)))
    click.echo(summary(found))
    if found["state"] not in ("finished", "awaiting_confirmation"):
        sys.exit(1)


def follow(portal: Portal, found: dict[str, Any]) -> dict[str, Any]:
    """Wait for a run's end, with a line that tells how far it is and about how long it still takes."""
    began, shown = time.monotonic(), ""
    while found["under_way"]:
        time.sleep(ROUND)
        found = portal.get(f"runs/{found['id']}")
        line = progress(found, time.monotonic() - began)
        if line != shown and sys.stderr.isatty():
            click.echo(f"\r{line:<79}", err=True, nl=False)
        shown = line
    if sys.stderr.isatty():
        click.echo(f"\r{'':<79}\r", err=True, nl=False)
    return found


def progress(found: dict[str, Any], seconds: float) -> str:
    """`fetching: 120 of 2000, 18.2/s, about 103 s left`."""
    done = (found["seen"] or 0) - found["left"]
    if found["state"] != "fetching" or not done:
        return f"{found['state_label']}: {found['seen'] or 0} found"
    rate = done / max(seconds, 0.1)
    return f"{found['state_label']}: {done} of {found['seen']}, {rate:.1f}/s, about {found['left'] / rate:.0f} s left"


def summary(found: dict[str, Any]) -> str:
    """One line: state and counts, then what is wrong."""
    counts = ", ".join(f"{name} {found[name]}" for name in COUNTS if found.get(name) is not None)
    said = f"\n{found['sentence']}" if found["sentence"] else ""
    return f"{found['state_label']}: {counts}{said}"


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


@harvest.command("on")
@click.argument("name")
@connected
def switch_on(name: str, **connection: Any) -> None:
    """Switch a source on, after a preview; from then on it runs by its schedule.

    Example: ./kzopen harvest on statistics
    """
    source = Portal(**connection).post(f"sources/{name}/switch_on")
    click.echo(f"{name} is on; next run: {source['next_run'] or 'by hand'}")


@harvest.command("off")
@click.argument("name")
@connected
def switch_off(name: str, **connection: Any) -> None:
    """Let a source pause; what was fetched stays.

    Example: ./kzopen harvest off statistics
    """
    click.echo(f"{name} is {Portal(**connection).post(f'sources/{name}/pause')['state']}")


@harvest.command()
@click.argument("name")
@connected
def history(name: str, **connection: Any) -> None:
    """The latest runs of a source.

    Example: ./kzopen harvest history statistics
    """
    for found in Portal(**connection).get(f"sources/{name}")["runs"]:
        click.echo(f"{found['id']} {found['created'][:19]} {found['purpose']:<8} {summary(found)}")


@harvest.command()
@click.argument("run_id")
@connected
def errors(run_id: str, **connection: Any) -> None:
    """The items of a run that failed, each with what is wrong.

    Example: ./kzopen harvest errors 0b6f2f0e-6c1e-4c5c-9d43-2f2b1f6a9f10
    """
    offset = 0
    while found := Portal(**connection).get(f"runs/{run_id}/items", outcome="failed", offset=offset):
        for item in found:
            click.echo(f"{item['uri'] or item['guid']} ({item['attempts']}×): {item['sentence']} [{item['error']}]")
        offset += len(found)
    click.echo(f"{offset} failed")


@harvest.command()
@click.argument("run_id")
@click.option("--accept-columns", is_flag=True, help="Accept that columns of a table are gone or have another type.")
@connected
def retry(run_id: str, accept_columns: bool, **connection: Any) -> None:
    """Try the failed items of a run again, in a run of their own.

    Example: ./kzopen harvest retry 0b6f2f0e-6c1e-4c5c-9d43-2f2b1f6a9f10
    """
    portal = Portal(**connection)
    found = follow(portal, portal.post(f"runs/{run_id}/retry", columns=accept_columns))
    click.echo(summary(found))


@harvest.command()
@click.argument("run_id")
@click.option("--keep", is_flag=True, help="Withdraw nothing; without it the removals are confirmed.")
@click.option("--reason", required=True, help="Why; it stands in the event log.")
@connected
def removals(run_id: str, keep: bool, reason: str, **connection: Any) -> None:
    """Decide on the removals of a run that wait for a person.

    Example: ./kzopen harvest removals 0b6f2f0e-6c1e-4c5c-9d43-2f2b1f6a9f10 --reason "The agency confirmed it"
    """
    portal = Portal(**connection)
    found = portal.post(f"runs/{run_id}/{'keep_all' if keep else 'confirm_removals'}", reason=reason)
    click.echo(summary(follow(portal, found)))


@harvest.command()
@click.argument("run_id")
@connected
def cancel(run_id: str, **connection: Any) -> None:
    """End a run; what it has published stays.

    Example: ./kzopen harvest cancel 0b6f2f0e-6c1e-4c5c-9d43-2f2b1f6a9f10
    """
    click.echo(summary(Portal(**connection).post(f"runs/{run_id}/cancel")))
