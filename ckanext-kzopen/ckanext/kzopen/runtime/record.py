"""`./kzopen record verify|head|rotate-key|erase|events|keep`: the operator's side of the public record."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from uuid import UUID

import click
from ckanext.kzopen.runtime import event_log
from ckanext.kzopen.runtime.recorded import KEY_HELP, data_option, portal_of, session_of, verified


@click.group()
def record() -> None:
    """The public record: an append-only log that anybody can check. docs/record.md tells what it proves.

    Example: ./kzopen record verify
    """


@record.command()
@data_option
def verify(data: Path | None) -> None:
    """Recompute every leaf, node and head; ends with 1 when something was changed, and names it.

    Example: ./kzopen record verify
    """
    found = verified(portal_of(data))
    for finding in found.findings:
        click.echo(f"  ! {finding.sentence}")
    click.echo(f"{found.leaves} leaves and {found.heads} heads recomputed: {len(found.findings) or 'no'} findings")
    sys.exit(1 if found.findings else 0)


@record.command()
@data_option
def head(data: Path | None) -> None:
    """Sign the log as it is now and print the head as JSON.

    Example: ./kzopen record head
    """
    from ckanext.kzopen.core.record import heads, keys, proofs

    with session_of(data) as (session, ring):
        try:
            signed = heads.make(session, ring)
        except proofs.LogBroken as error:
            raise click.ClickException(f"{error}; nothing was signed. ./kzopen record verify tells more") from error
        except keys.KeyMissing as error:
            raise click.ClickException(f"{error}; nothing was signed. {KEY_HELP}") from error
    click.echo(json.dumps(heads.as_dict(signed), indent=2) if signed else "the log is empty")


@record.command("rotate-key")
@click.option("--lost", is_flag=True, help="The old private key is gone: the new one is not endorsed by it.")
@data_option
def rotate_key(lost: bool, data: Path | None) -> None:
    """Sign with a new key from now on; receipts given before stay valid. The old private key is deleted.

    Example: ./kzopen record rotate-key
    """
    from ckanext.kzopen.core.record import keys

    with session_of(data) as (session, ring):
        try:
            new = keys.rotate(session, ring, lost=lost)
        except keys.KeyMissing as error:
            raise click.ClickException(f"{error}; restore it from a backup, or give --lost") from error
    ring.keep_only(new.id)
    click.echo(f"key      {new.id}\npublic   {new.public.hex()}\nsince    {new.since.isoformat()}")
    if lost:
        click.echo("The old key has not endorsed it: publish this one where readers will find it, with the reason.")


@record.command()
@click.argument("number", type=click.UUID)
@click.option("--reason", required=True, help="The order: who decided, its number and date. It is published.")
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows what it would erase.")
@data_option
def erase(number: UUID, reason: str, commit: bool, data: Path | None) -> None:
    """Erase the text of a recorded thing by order of a court; its hash and the reason stay. NUMBER is the receipt's.

    Example: ./kzopen record erase 6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11 --reason "Court of Astana, 2-114/26, 5 March 2026"
    """
    from ckanext.kzopen.core.record import NotErasable, log
    from ckanext.kzopen.core.record.tables import Leaf

    with session_of(data) as (session, _ring):
        found = session.get(Leaf, number)
        if found is None:
            raise click.ClickException(f"there is no record {number}")
        click.echo(f"  {'erases' if commit else 'would erase'} leaf {found.index}: {found.kind} {found.object_id}, {found.at}")
        try:
            if commit:
                log.erase(session, number, reason)
        except NotErasable as error:
            raise click.ClickException("its text is erased already, or the log needs it to tell of itself") from error
    click.echo("erased" if commit else "nothing was erased; --commit does it")


record.add_command(event_log.events_)
record.add_command(event_log.keep)
