"""`./kzopen record events|keep`: the operator's side of the event log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from ckanext.kzopen.runtime.recorded import data_option, session_of

LINE = "{id:>8}  {at}  {kind} {object_id}: {verb}  {actor}{place} {address}  {reason}"
moment = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.command("events")
@click.option("--person", help="Id of a user: what this person did, or others in their place.")
@click.option("--object", "thing", metavar="KIND:ID", help="What happened to one object.")
@click.option("--kind", help="Only objects of this kind.")
@click.option("--verb", help="Only this: create, accept, read …")
@click.option("--agency", multiple=True, help="Id of an agency; may be repeated.")
@click.option("--since", type=moment, help="From this moment on (UTC).")
@click.option("--until", type=moment, help="Before this moment (UTC).")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Not with --jsonl, which gives all.")
@click.option("--jsonl", is_flag=True, help="One JSON object a line, oldest first.")
@data_option
def events_(
    person: str | None,
    thing: str | None,
    kind: str | None,
    verb: str | None,
    agency: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    limit: int,
    jsonl: bool,
    data: Path | None,
) -> None:
    """Who did what, when, from where, to what, why: the newest events that fit, or all as JSON lines.

    Example: ./kzopen record events --object delivery:6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11 --jsonl
    """
    from ckanext.kzopen.core.record import as_dict, events, json_lines

    kind, object_id = _object(thing) if thing else (kind, None)
    filters: dict[str, Any] = {
        "actor": person,
        "kind": kind,
        "object_id": object_id,
        "verb": verb,
        "agencies": list(agency) or None,
    }
    filters |= {"since": since and since.replace(tzinfo=UTC), "until": until and until.replace(tzinfo=UTC)}
    with session_of(data) as (session, _ring):
        if jsonl:
            for line in json_lines(session, **filters):
                click.echo(line, nl=False)
            return
        for event in events(session, limit=limit, newest_first=True, **filters):
            told = {name: "" if value is None else value for name, value in as_dict(event).items()}
            place = f" (for {told['in_place_of']})" if told["in_place_of"] else ""
            click.echo(LINE.format(place=place, **told).rstrip())


def _object(thing: str) -> tuple[str, str]:
    kind, colon, object_id = thing.partition(":")
    if not (kind and colon and object_id):
        raise click.UsageError("--object is KIND:ID, as in delivery:6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11")
    return kind, object_id


@click.command()
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows what it would delete.")
@data_option
def keep(commit: bool, data: Path | None) -> None:
    """Delete the events whose time is past by schemas/keeping.yaml, as the portal does every night.

    Example: ./kzopen record keep
    """
    from ckanext.kzopen.core.record import keeping

    with session_of(data) as (session, _ring):
        past = keeping.past(session, datetime.now(UTC).date())
        for rule in past:
            say = "deletes" if commit else "would delete"
            click.echo(f"  {rule.rule}: {say} {rule.count} events from before {rule.before:%Y-%m-%d}")
        while commit and any(rule.count for rule in keeping.delete_past(session, datetime.now(UTC).date())):
            session.commit()
    click.echo("deleted" if commit else "nothing was deleted; --commit does it")
