"""`./kzopen publish FILE --dataset URI`: sends a file the way an agency's system does, and shows the report."""

from __future__ import annotations

import json
import mimetypes
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import httpx
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import read_private
from ckanext.kzopen.runtime.status import address_of

UNDECIDED = frozenset({"received", "checking", "failed"})
FAILING = 300.0
"""Seconds for which a delivery that fails is waited for."""
COUNTS = ("rows", "added", "changed", "unchanged", "removed", "wrong")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dataset", required=True, help="Name of the data set: a-z, 0-9, - and _.")
@click.option(
    "--passport", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="JSON of the passport, sent first."
)
@click.option("--mode", type=click.Choice(["replace", "append", "upsert", "delete"]), default="replace", show_default=True)
@click.option("--url", help="Address of the portal (default: what the settings say).")
@click.option("--token", envvar="KZOPEN_TOKEN", help="API token (default: KZOPEN_TOKEN, then the operator's).")
@click.option("--lang", type=click.Choice(["kk", "ru", "en"]), default="en", show_default=True, help="Language of the report.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data directory whose operator's token is used."
)
def publish(file: Path, dataset: str, passport: Path | None, mode: str, lang: str, **connection: Any) -> None:
    """Publish a table: CSV, XLSX, ODS, JSON or Parquet. Ends with 1 when the portal refuses it, and shows why.

    Example: ./kzopen publish budget.csv --dataset budget-2025 --passport passport.json
    """
    with client_for(lang=lang, **connection) as client:
        if passport:
            told(
                client.put(f"datasets/{dataset}", content=passport.read_bytes(), headers={"Content-Type": "application/json"})
            )
        delivery = _decided(client, send(client, file, dataset, mode))
        click.echo(summary(delivery))
        if delivery["state"] != "accepted":
            report = told(client.get(f"deliveries/{delivery['id']}/report"))
            click.echo("\n".join([stop["sentence"] for stop in delivery["stops"]] + finding_lines(report)))
            sys.exit(1)


def _decided(client: httpx.Client, delivery: dict[str, Any]) -> dict[str, Any]:
    """The delivery when it is decided on; raises ClickException when it goes on failing for longer than it is tried again."""
    tried = time.monotonic()
    while delivery["state"] in UNDECIDED:
        if delivery["state"] != "failed":
            tried = time.monotonic()
        elif time.monotonic() - tried > FAILING:
            raise click.ClickException(f"{summary(delivery)}: {delivery['error']}; ./kzopen doctor looks for what is wrong")
        time.sleep(0.5)
        delivery = told(client.get(f"deliveries/{delivery['id']}"))
    return delivery


class Client(httpx.Client):
    """A client for commands: a portal that does not answer ends the command with a sentence."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx sends it; raises ClickException when there is no answer."""
        try:
            return super().send(request, **options)
        except httpx.TransportError as error:
            where = f"{request.url.scheme}://{request.url.netloc.decode()}"
            told = f"the portal at {where} does not answer ({error}); ./kzopen serve starts it, --url names another address"
            raise click.ClickException(told) from error


def client_for(url: str | None, token: str | None, data: Path | None, lang: str) -> httpx.Client:
    """A client of the universal API with somebody's token."""
    portal = Portal(Settings(data=data) if data else Settings())
    known = read_private(portal.accounts).get("operator", {})
    key = token or known.get("token")
    if not key:
        raise click.ClickException("no token: give --token, or set KZOPEN_TOKEN")
    base = f"{(url or address_of(portal)).rstrip('/')}/api/universal/v1/"
    return Client(base_url=base, headers={"Authorization": key, "Accept-Language": lang}, timeout=120)


def send(client: httpx.Client, file: Path, dataset: str, mode: str) -> dict[str, Any]:
    """Send the bytes as they are, streaming; the delivery as the portal first answers it."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {"Content-Type": kind, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}"}
    with file.open("rb") as body:
        return told(client.post(f"datasets/{dataset}/rows", params={"mode": mode}, content=body, headers=headers))


def told(answer: httpx.Response) -> dict[str, Any]:
    """The answer's object; a refused delivery comes inside a problem, any other problem ends the command with its sentence."""
    try:
        content: dict[str, Any] = answer.json()
    except json.JSONDecodeError as error:
        raise click.ClickException(f"the portal answered {answer.status_code} without words") from error
    if answer.is_error and "delivery" not in content:
        raise click.ClickException(str(content.get("detail") or content.get("title") or content))
    delivery: dict[str, Any] = content["delivery"] if answer.is_error else content
    return delivery


def summary(delivery: dict[str, Any]) -> str:
    """One line: state, version, rows and what changed."""
    words = ", ".join(f"{name} {delivery[name]}" for name in COUNTS if delivery.get(name) is not None)
    version = f" (v{delivery['version']['number']})" if delivery.get("version") else ""
    return f"{delivery['state_label']}{version}: {words}"


def finding_lines(report: dict[str, Any]) -> list[str]:
    """A line for each finding: row, field and the sentence."""
    return [
        f"  row {found.get('row') or '-'}, {found.get('field') or '-'}: {found.get('sentence') or found.get('message')}"
        for found in report.get("findings", [])
    ]
