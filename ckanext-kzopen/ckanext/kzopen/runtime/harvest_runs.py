"""`./kzopen harvest …` about runs: to start one, to look at it, to decide on it."""

from __future__ import annotations

import sys
from typing import Any

import click
from ckanext.kzopen.runtime.harvest_portal import Portal, connected, follow, item_lines, items, summary


@click.command()
@click.argument("name")
@connected
def preview(name: str, **connection: Any) -> None:
    """Fetch the first 20 items and show what they would become; nothing is published.

    Example: ./kzopen harvest preview statistics
    """
    _run(Portal(**connection), name, "preview", show_items=True)


@click.command()
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
        for item in items(portal, found["id"]):
            click.echo("\n".join(item_lines(item)))
    end(found)


def end(found: dict[str, Any]) -> None:
    """Say how a run ended, and end with 1 when it failed or its counts do not add up."""
    click.echo(summary(found))
    if found["state"] not in ("finished", "awaiting_confirmation"):
        sys.exit(1)


@click.command()
@click.argument("name")
@connected
def history(name: str, **connection: Any) -> None:
    """The latest runs of a source.

    Example: ./kzopen harvest history statistics
    """
    for found in Portal(**connection).get(f"sources/{name}")["runs"]:
        click.echo(f"{found['id']} {found['created'][:19]} {found['purpose']:<8} {summary(found)}")


@click.command()
@click.argument("run_id")
@connected
def errors(run_id: str, **connection: Any) -> None:
    """The items of a run that failed, each with what is wrong.

    Example: ./kzopen harvest errors 0b6f2f0e-6c1e-4c5c-9d43-2f2b1f6a9f10
    """
    found = list(items(Portal(**connection), run_id, outcome="failed"))
    for item in found:
        click.echo(f"{item['uri'] or item['guid']} ({item['attempts']}×): {item['sentence']} [{item['error']}]")
    click.echo(f"{len(found)} failed")


@click.command()
@click.argument("run_id")
@click.option("--accept-columns", is_flag=True, help="Accept that columns of a table are gone or have another type.")
@connected
def retry(run_id: str, accept_columns: bool, **connection: Any) -> None:
    """Try the failed items of a run again, in a run of their own. Ends with 1 when that run fails.

    Example: ./kzopen harvest retry 0b6f2f0e-6c1e-4c5c-9d43-2f2b1f6a9f10
    """
    portal = Portal(**connection)
    end(follow(portal, portal.post(f"runs/{run_id}/retry", columns=accept_columns)))


@click.command()
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


@click.command()
@click.argument("run_id")
@connected
def cancel(run_id: str, **connection: Any) -> None:
    """End a run; what it has published stays.

    Example: ./kzopen harvest cancel 0b6f2f0e-6c1e-4c5c-9d43-2f2b1f6a9f10
    """
    click.echo(summary(Portal(**connection).post(f"runs/{run_id}/cancel")))


COMMANDS = (preview, run, history, errors, retry, removals, cancel)
