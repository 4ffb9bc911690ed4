"""`./kzopen mail …`: the operator's side of outgoing mail."""

from __future__ import annotations

import mailbox
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.runtime.recorded import data_option, portal_of, session_of

if TYPE_CHECKING:
    from ckanext.kzopen.core.mail.upkeep import Stuck


@click.group()
def mail() -> None:
    """Outgoing mail: templates, the queue, what came back. docs/operator.md tells how to set it up.

    Example: ./kzopen mail list
    """


@mail.command()
@click.argument("template", required=False)
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], help="The reader's language.")
def preview(template: str | None, language: str) -> None:
    """Show a template filled with values to try it; without a name, list all templates.

    Example: ./kzopen mail preview core.test --language ru
    """
    from ckanext.kzopen.core import mail as letters

    load_sections()
    if template is None:
        click.echo("\n".join(letters.template_names()))
        return
    try:
        values = letters.sample(template)
    except LookupError as error:
        raise click.ClickException(str(error.args[0])) from error
    letter = letters.rendered(template, language, values)
    click.echo(f"{letter.subject}\n\n{letter.text}", nl=False)


def load_sections() -> None:
    """Import our plugins: each announces its folder of templates."""
    from importlib.metadata import entry_points

    for entry in entry_points(group="ckan.plugins"):
        if entry.name.startswith("kzopen"):
            entry.load()


@mail.command("list")
@data_option
def show(data: Path | None) -> None:
    """How many mails are in which state, and which of them are in doubt or wait after a failed try.

    Example: ./kzopen mail list
    """
    from ckanext.kzopen.core.mail import upkeep

    with session_of(data) as (session, _ring):
        for state, number in upkeep.counts(session).items():
            click.echo(f"  {state:<10} {number}")
        tell("in doubt: the mail server may or may not have taken them", upkeep.in_doubt(session))
        tell("waiting after a failed try", upkeep.failing(session))


def tell(title: str, stuck: list[Stuck]) -> None:
    """A list of mails under its title; nothing for an empty one."""
    if stuck:
        click.echo(title)
    for one in stuck:
        click.echo(f"  {one.id}  {one.template} to {one.recipient}, since {one.since:%Y-%m-%d %H:%M}: {one.words}")


@mail.command()
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="All mails in doubt instead of those of these numbers.")
@click.option("--give-up", is_flag=True, help="Do not send them again: erase their text and forget them.")
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows which mails it means.")
@data_option
def resend(numbers: tuple[int, ...], everything: bool, give_up: bool, commit: bool, data: Path | None) -> None:
    """Send mails in doubt once more. Some readers may get them twice, with the same Message-ID.

    Example: ./kzopen mail resend --all --commit
    """
    from ckanext.kzopen.core.mail import upkeep

    with session_of(data) as (session, _ring):
        chosen = [one for one in upkeep.in_doubt(session) if everything or one.id in numbers]
        tell("in doubt", chosen)
        ids = [one.id for one in chosen]
        if commit:
            (upkeep.give_up if give_up else upkeep.send_again)(session, ids)
    what = "given up" if give_up else "queued again"
    click.echo(f"{len(ids)} {what}" if commit else f"{len(ids)} would be {what}; --commit does it")


@mail.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def bounces(files: tuple[Path, ...], data: Path | None) -> None:
    """Read reports of mails that could not be delivered (one message a file, or mbox) and mark their addresses.

    Example: ./kzopen mail bounces /var/mail/portal
    """
    from ckanext.kzopen.core.mail.bounces import take

    with session_of(data) as (session, _ring):
        for path in files:
            for raw in messages_of(path):
                for address in take(session, raw):
                    click.echo(f"  takes no mail: {address}")


def messages_of(path: Path) -> Iterator[bytes]:
    """The messages of a file: those of an mbox, else the file itself."""
    content = path.read_bytes()
    if not content.startswith(b"From "):
        yield content
        return
    box = mailbox.mbox(path, create=False)
    try:
        yield from (message.as_bytes() for message in box)
    finally:
        box.close()


@mail.command()
@click.argument("address")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], help="The language of the mail.")
@data_option
def test(address: str, language: str, data: Path | None) -> None:
    """Send a mail to ADDRESS now, past the queue, and tell what the mail server said.

    Example: ./kzopen mail test operator@example.org
    """
    from ckanext.kzopen.core.mail.office import OfficeClosed
    from ckanext.kzopen.core.web.errors import KzError

    try:
        told, taken = try_out(data, address, language)
    except (OfficeClosed, KzError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(told)
    sys.exit(0 if taken else 1)


def try_out(data: Path | None, address: str, language: str) -> tuple[str, bool]:
    """What the mail server said to a test mail, and whether it took it."""
    from datetime import UTC, datetime
    from uuid import uuid4

    from ckanext.kzopen.core import mail as letters
    from ckanext.kzopen.core.mail.messages import Outgoing, Sender, as_sent, message_of
    from ckanext.kzopen.core.mail.office import Fate, hand_over, office_of, opened
    from ckanext.kzopen.runtime.configuration import mail as options_of

    portal = portal_of(data)
    office = office_of(portal.settings.smtp_url, portal.settings.smtp_ca)
    if office is None:
        raise click.ClickException("no mail server is set; give smtp_url in kzopen.toml or KZOPEN_SMTP_URL")
    letter = letters.rendered("core.test", language, {"portal": portal.settings.address})
    sender = Sender(options_of(portal)["kzopen.mail_from"], portal.settings.site_title)
    recipient = letters.checked(address)
    outgoing = Outgoing(uuid4(), recipient, language, letter.subject, letter.text, datetime.now(UTC))
    body = as_sent(message_of(outgoing, sender))
    with opened(office) as server:
        outcome = hand_over(server, sender.address, recipient, body, lambda: None)
    return outcome.words, outcome.fate is Fate.SENT
