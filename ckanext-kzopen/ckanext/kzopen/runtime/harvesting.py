"""`./kzopen harvest …`: sources and their runs from the command line, through the portal's own API."""

from __future__ import annotations

import json
from typing import Any

import click
from ckanext.kzopen.runtime import harvest_runs
from ckanext.kzopen.runtime.harvest_portal import Portal, connected


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
        found[name] = structure(name, value) if value[:1] in ("{", "[") else {"true": True, "false": False}.get(value, value)
    return found


def structure(name: str, value: str) -> Any:
    """A list or mapping written as JSON."""
    try:
        return json.loads(value)
    except ValueError as error:
        raise click.ClickException(f"{name}: what begins with {value[0]} is read as JSON, and it is none ({error})") from error


@harvest.command("list")
@connected
def list_sources(**connection: Any) -> None:
    """The sources: kind, state, when each runs next.

    Example: ./kzopen harvest list
    """
    for source in Portal(**connection).get("sources"):
        when = source["next_run"] or "by hand"
        click.echo(f"{source['name']:<30} {source['kind']:<16} {source['state']:<8} {source['agency']:<24} {when}")


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


for _command in harvest_runs.COMMANDS:
    harvest.add_command(_command)
