"""`./kzopen agency import|list|show|rename|move|liquidate`. What the commands need is imported when they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from ckanext.kzopen.runtime.demo.command import connection, data_option, token_option, url_option

if TYPE_CHECKING:
    from ckanext.kzopen.runtime.demo.api import Api

SHOWN = 40
INDENT = "  "


@contextmanager
def portal(data: Path | None, url: str | None, token: str | None) -> Iterator[Api]:
    """The portal's API in the operator's name; a refusal ends the command with its sentence."""
    from ckanext.kzopen.runtime.demo.api import Api, Refused

    _folder, address, key = connection(data, url, token)
    try:
        with Api(address, key) as api:
            yield api
    except Refused as error:
        raise click.ClickException(str(error)) from error


@click.group()
def agency() -> None:
    """Agencies: the tree, dated names, codes, successors. An agency is named by address, id or BIN.

    Example: ./kzopen agency list
    """


@agency.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows what it would do.")
@data_option
@url_option
@token_option
def import_table(file: Path, commit: bool, data: Path | None, url: str | None, token: str | None) -> None:
    """Make and change agencies from a CSV or XLSX; wrong rows are told and left out. A second time changes nothing.

    Columns: name_kk, name_ru, name_en, short_kk, short_ru, short_en, address, kind, bin, kato, parent, since.

    Example: ./kzopen agency import agencies.csv --commit
    """
    from ckanext.kzopen.runtime.agencies import importing, table

    try:
        rows = table.read_rows(file)
    except table.NotATable as error:
        raise click.ClickException(str(error)) from error
    with portal(data, url, token) as api:
        steps = importing.preview(api, rows)
        if commit:
            with click.progressbar(length=len(steps), label="agencies") as bar:
                steps = importing.carry_out(api, rows, steps, lambda _step: bar.update(1))
    tell(steps, commit)
    if any(step["error"] for step in steps):
        raise click.exceptions.Exit(1)


def tell(steps: list[dict[str, Any]], commit: bool) -> None:
    """Errors by row, the first changes, and the counts."""
    wrong = [step for step in steps if step["error"]]
    changed = [step for step in steps if step["does"] and not step["error"]]
    for step in sorted(wrong, key=lambda step: step["row"]):
        click.echo(f"row {step['row']}: {step['error']['sentence']}")
    for step in changed[:SHOWN]:
        click.echo(f"  {'' if commit else 'would '}{', '.join(step['does'])} {step['address']}")
    if len(changed) > SHOWN:
        click.echo(f"  … and {len(changed) - SHOWN} more")
    counts = Counter(verb for step in changed for verb in step["does"])
    told = [f"{verb} {number}" for verb, number in counts.items()]
    unchanged = len(steps) - len(wrong) - len(changed)
    click.echo(", ".join([*told, f"unchanged {unchanged}", f"wrong {len(wrong)}"]))
    if not commit:
        click.echo("nothing was done; --commit does it")


@agency.command("list")
@click.option("--under", help="Only this agency and those below it.")
@data_option
@url_option
@token_option
def list_agencies(under: str | None, data: Path | None, url: str | None, token: str | None) -> None:
    """The tree: address, kind, BIN, state where it is not active, name.

    Example: ./kzopen agency list --under demo-sarydala
    """
    with portal(data, url, token) as api:
        for row in api.action("agency_tree", **({"under": under} if under else {})):
            state = "" if row["state"] == "active" else f"[{row['state']}] "
            click.echo(f"{INDENT * row['depth']}{row['address']}  {row['kind']}  {row['bin'] or '-'}  {state}{title(row)}")


@agency.command()
@click.argument("agency_name", metavar="AGENCY")
@click.option("--at", help="As it was, or is to be, on a day: 2026-03-01.")
@data_option
@url_option
@token_option
def show(agency_name: str, at: str | None, data: Path | None, url: str | None, token: str | None) -> None:
    """Everything about one agency: names now and formerly, codes, place in the tree, successor.

    Example: ./kzopen agency show demo-ministry
    """
    with portal(data, url, token) as api:
        found = api.action("agency_show", id=agency_name, **({"at": at} if at else {}))
    for key in ("address", "kind", "bin", "kato", "state", "liquidated_on"):
        if found[key]:
            click.echo(f"{key:<14}{found[key]}")
    for language, name in found["title"].items():
        click.echo(f"name {language:<9}{name} ({found['short'].get(language, '-')})")
    click.echo(f"{'above':<14}{' / '.join(title(row) for row in found['above']) or '-'}")
    for name in found["names"]:
        click.echo(f"{'called':<14}{title(name)}: {name['since'] or '…'} – {name['until'] or '…'}")
    if found["successor"]:
        click.echo(f"{'successor':<14}{found['successor']['address']}  {title(found['successor'])}")
    for row in found["predecessors"]:
        click.echo(f"{'succeeded':<14}{row['address']}  {title(row)}")


def title(row: dict[str, Any]) -> str:
    """A name in English, else in Russian, else in Kazakh."""
    from ckanext.kzopen.core.texts import in_language

    return in_language(row["title"], "en", ("ru", "kk"))


@agency.command()
@click.argument("agency_name", metavar="AGENCY")
@click.option("--kk", help="The name in Kazakh.")
@click.option("--ru", help="The name in Russian.")
@click.option("--en", help="The name in English.")
@click.option("--short-kk", help="The short name in Kazakh.")
@click.option("--short-ru", help="The short name in Russian.")
@click.option("--short-en", help="The short name in English.")
@click.option("--since", help="The first day of the name (default: today); a later one takes effect by itself.")
@click.option("--address", help="A new address of its page; the old one leads to it.")
@click.option("--reason", help="The act: what, its number and date. It is written into the event log.")
@click.option("--cancel", is_flag=True, help="Take the last planned name back.")
@data_option
@url_option
@token_option
def rename(agency_name: str, cancel: bool, data: Path | None, url: str | None, token: str | None, **given: str | None) -> None:
    """Give an agency another name from a day on; the former one stays in its history.

    Example: ./kzopen agency rename demo-szh --ru "АО «Дороги»" --kk "«Жолдар» АҚ" --since 2026-03-01
    """
    values: dict[str, Any] = {key: given[key] for key in ("since", "address", "reason") if given[key]}
    values["title"] = {language: text for language in ("kk", "ru", "en") if (text := given[language])}
    values["short"] = {language: text for language in ("kk", "ru", "en") if (text := given[f"short_{language}"])}
    with portal(data, url, token) as api:
        found = api.action("agency_rename", id=agency_name, cancel=cancel, **values)
    last = found["names"][-1]
    click.echo(f"{found['address']}: {title(last)} since {last['since']}")


@agency.command()
@click.argument("agency_name", metavar="AGENCY")
@click.option("--to", "parent", help="The agency above; without it the agency answers to nobody.")
@click.option("--since", help="The first day of it (default: today); a later one takes effect by itself.")
@click.option("--reason", help="The act: what, its number and date.")
@click.option("--cancel", is_flag=True, help="Take the last planned place back.")
@data_option
@url_option
@token_option
def move(agency_name: str, cancel: bool, data: Path | None, url: str | None, token: str | None, **given: str | None) -> None:
    """Put an agency below another one from a day on.

    Example: ./kzopen agency move demo-geography --to demo-sarydala
    """
    with portal(data, url, token) as api:
        values = {key: value for key, value in given.items() if value}
        found = api.action("agency_move", id=agency_name, cancel=cancel, **values)
    click.echo(f"{found['address']}: {' / '.join(title(row) for row in found['above']) or 'answers to nobody'}")


@agency.command()
@click.argument("agency_name", metavar="AGENCY")
@click.option("--successor", help="To whom everything goes over.")
@click.option("--on", help="The day (default: today); a later one takes effect by itself.")
@click.option("--reason", help="The act: what, its number and date.")
@click.option("--cancel", is_flag=True, help="Take a planned liquidation back.")
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows what it would do.")
@data_option
@url_option
@token_option
def liquidate(
    agency_name: str, cancel: bool, commit: bool, data: Path | None, url: str | None, token: str | None, **given: str | None
) -> None:
    """End an agency on a day; data sets, tokens, rights and the agencies below go over to the successor.

    Example: ./kzopen agency liquidate demo-geography --successor demo-ministry --on 2026-03-01 --commit
    """
    values = {key: value for key, value in given.items() if value}
    with portal(data, url, token) as api:
        if not commit:
            found = api.action("agency_show", id=agency_name)
            click.echo(f"would {'keep' if cancel else 'liquidate'} {found['address']}  {title(found)}; --commit does it")
            return
        found = api.action("agency_liquidate", id=agency_name, cancel=cancel, **values)
    click.echo(f"{found['address']}: {found['state']}, liquidation on {found['liquidated_on'] or '-'}")
    for name, number in found["went"].items():
        click.echo(f"  {number} {name} went over to {found['successor']['address']}")
