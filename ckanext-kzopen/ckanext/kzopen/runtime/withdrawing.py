"""`./kzopen withdraw …`: takes a thing out of every place, through the portal's own API; shows first what it would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import httpx
from ckanext.kzopen.runtime.publishing import client_for


@click.command()
@click.argument("dataset")
@click.option("--version", "number", type=int, help="Withdraw this version of the table only.")
@click.option("--file", "resource", help="Withdraw this file only, by its resource id.")
@click.option("--reason-kk", default="", help="Reason in Kazakh; readers will see it.")
@click.option("--reason-ru", default="", help="Reason in Russian.")
@click.option("--reason-en", default="", help="Reason in English.")
@click.option("--law", default="", help="The article by which it is withdrawn.")
@click.option("--keep-title", is_flag=True, help="Let the title stay on the page that tells of the withdrawal.")
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows from where it would be taken.")
@click.option("--url", help="Address of the portal (default: what the settings say).")
@click.option("--token", envvar="KZOPEN_TOKEN", help="API token (default: KZOPEN_TOKEN, then the operator's).")
@click.option("--lang", type=click.Choice(["kk", "ru", "en"]), default="en", show_default=True, help="Language of the answer.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data directory whose operator's token is used."
)
def withdraw(dataset: str, number: int | None, resource: str | None, commit: bool, **given: Any) -> None:
    """Take a data set, a version or a file out of pages, APIs, files, DataStore, search and mail. It cannot be undone.

    Example: ./kzopen withdraw wages-2025 --version 3 --reason-ru "Опубликованы ИИН" --commit
    """
    connection = {name: given.pop(name) for name in ("url", "token", "lang", "data")}
    with client_for(**connection) as client:
        answer = client.post(
            address(dataset, number, resource), params={} if commit else {"check": "only"}, json=body(**given)
        )
    content = told(answer)
    for place in content["places"]:
        mark = "!" if place["holds"] else "✓"
        click.echo(f"  {mark} {place['label']}")
    click.echo(summary(content))


def address(dataset: str, number: int | None, resource: str | None) -> str:
    """The call of the universal API that withdraws it."""
    if number is not None and resource is not None:
        raise click.ClickException("give --version or --file, not both")
    part = f"versions/{number}/" if number is not None else f"resources/{resource}/" if resource else ""
    return f"datasets/{dataset}/{part}withdraw"


def body(reason_kk: str, reason_ru: str, reason_en: str, law: str, keep_title: bool) -> dict[str, Any]:
    """The order as the API reads it."""
    return {"reason": {"kk": reason_kk, "ru": reason_ru, "en": reason_en}, "law": law, "keep_title": keep_title}


def told(answer: httpx.Response) -> dict[str, Any]:
    """The answer's object; a problem ends the command with its sentence."""
    content: dict[str, Any] = answer.json()
    if answer.is_error:
        raise click.ClickException(str(content.get("detail") or content))
    return content


def summary(content: dict[str, Any]) -> str:
    """One line: what was done, or that nothing was."""
    if content["state"] is None:
        held = sum(place["holds"] for place in content["places"])
        return f"{content['name']} would be taken out of {held} places; nothing was done, --commit does it"
    done = "is out of every place" if content["complete"] else "is hidden; the portal goes on taking it out"
    return f"{content['name']} {done}"
