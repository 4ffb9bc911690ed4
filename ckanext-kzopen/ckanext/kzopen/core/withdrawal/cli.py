"""`ckan kzopen-withdrawal …`: prove that what was withdrawn lies nowhere, and take out what came back."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
from ckan import model
from sqlalchemy import select


@click.group("kzopen-withdrawal", short_help="Withdrawals: check, repair")
def kzopen_withdrawal() -> None:
    """What was withdrawn, and whether it lies anywhere still."""


def _found() -> Iterator[tuple[str, str, list[str]]]:
    """Each withdrawal with its number and the places that hold its thing."""
    from ckanext.kzopen.core.withdrawal.model import Withdrawal
    from ckanext.kzopen.core.withdrawal.places import holding

    session = model.Session()
    for row in session.scalars(select(Withdrawal).order_by(Withdrawal.at)).all():
        yield str(row.id), f"{row.kind} {row.name}", [place.name for place in holding(session, row.thing)]


@kzopen_withdrawal.command()
def check() -> None:
    """Look for every withdrawn thing in every place; exit code 1 when one is found.

    Example: ckan -c kzopen.ini kzopen-withdrawal check
    """
    rows = list(_found())
    held = [(what, places) for _number, what, places in rows if places]
    for what, places in held:
        click.echo(f"{what} was withdrawn and still lies in: {', '.join(places)}")
    click.echo(f"{len(rows)} withdrawals, {len(held)} not everywhere")
    sys.exit(1 if held else 0)


@kzopen_withdrawal.command()
def repair() -> None:
    """Take every withdrawn thing out of the places where it still lies, or lies again.

    Example: ckan -c kzopen.ini kzopen-withdrawal repair
    """
    from uuid import UUID

    from ckanext.kzopen.core.withdrawal.spread import spread

    left = 0
    for number, what, places in list(_found()):
        if places:
            still = [place.name for place in spread(model.Session(), UUID(number))]
            click.echo(f"{what}: taken out of {', '.join(places)}" + (f"; still in {', '.join(still)}" if still else ""))
            left += bool(still)
    sys.exit(1 if left else 0)
