"""`./kzopen record events|keep`: the operator's side of the event log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from ckanext.kzopen.runtime.recorded import data_option, session_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LINE = "{id:>8}  {at}  {kind} {object_id}: {verb}  {actor}{place} {address}  {reason}"


@click.command("events")
@click.option("--person", help="Account, full name, e-mail, id or system: what they did, or others in their place.")
@click.option("--object", "thing", metavar="KIND:ID", help="What happened to one object.")
@click.option("--kind", help="Only objects of this kind.")
@click.option("--verb", help="Only this: create, accept, read …")
@click.option("--agency", help="BIN, name, name in addresses or id of an agency.")
@click.option("--since", metavar="DAY", help="From this day in Astana on, or from a moment: 2026-12-01T10:00.")
@click.option("--until", metavar="DAY", help="To this day, included, or before a moment.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Not with --jsonl, which gives all.")
@click.option("--jsonl", is_flag=True, help="One JSON object a line, oldest first.")
@data_option
def events_(thing: str | None, limit: int, jsonl: bool, data: Path | None, **fields: str | None) -> None:
    """Who did what, when, from where, to what, why: the newest events that fit, or all as JSON lines.

    Example: ./kzopen record events --object delivery:6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11 --jsonl

    Example: ./kzopen record events --verb withdraw --since 2026-01-01 --until 2026-03-31
    """
    from ckanext.kzopen.core.record import as_dict, events, json_lines

    if thing:
        fields["kind"], fields["object"] = _object(thing)
    with session_of(data) as (session, _ring):
        filters = _filters(session, {name: text for name, text in fields.items() if text})
        if jsonl:
            for line in json_lines(session, **filters):
                click.echo(line, nl=False)
            return
        for event in events(session, limit=limit, newest_first=True, **filters):
            told = {name: "" if value is None else value for name, value in as_dict(event).items()}
            place = f" (for {told['in_place_of']})" if told["in_place_of"] else ""
            click.echo(LINE.format(place=place, **told).rstrip())


def _filters(session: Session, fields: Mapping[str, str]) -> Mapping[str, Any]:
    """The same filter as on the page of the log; ends the command with what is wrong."""
    from ckanext.kzopen.core.desk.event_filter import asked

    wanted = asked(session, fields, scope=None)
    if wanted.errors:
        raise click.UsageError("\n".join(f"--{name}: {error.text('en')}" for name, error in wanted.errors.items()))
    return wanted.filters


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
