"""The command `kzopen-client`. The portal's address and the token come from KZOPEN_PORTAL and KZOPEN_TOKEN."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from kzopen_client.answers import Delivery
from kzopen_client.errors import Problem, Refused, Unreachable
from kzopen_client.portal import Portal

MODES = ("replace", "append", "upsert", "delete")
WIDTH = 30


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when all went well, 1 when the portal says no, 2 when it is used wrongly or not reached."""
    given = _parser().parse_args(arguments)
    if not given.portal:
        print("kzopen-client: name the portal by --portal or KZOPEN_PORTAL", file=sys.stderr)
        return 2
    with Portal(given.portal, os.environ.get("KZOPEN_TOKEN"), language=given.language) as portal:
        try:
            return int(given.run(portal, given))
        except Refused as refused:
            _tell_refused(refused)
            return 1
        except Problem as problem:
            print(f"kzopen-client: {problem}", file=sys.stderr)
            return 1
        except (Unreachable, TimeoutError, OSError) as error:
            print(f"kzopen-client: {error}", file=sys.stderr)
            return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kzopen-client", description="Publish to and read from a kzopen portal.")
    parser.add_argument("--portal", default=os.environ.get("KZOPEN_PORTAL", ""), help="address; else KZOPEN_PORTAL")
    parser.add_argument("--language", choices=("kk", "ru", "en"), default=os.environ.get("KZOPEN_LANGUAGE", "en"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    put = _command(commands, "put", "create a data set or change its passport", _put, "uri")
    put.add_argument("passport", type=Path, help="JSON file")
    send = _command(commands, "send", "send a table; a large one goes on where it stopped", _send, "uri")
    send.add_argument("file", type=Path)
    send.add_argument("--mode", choices=MODES, default="replace")
    send.add_argument("--check", action="store_true", help="the report alone, nothing is published")
    send.add_argument("--publish-at", type=datetime.fromisoformat, help="such as 2026-12-01T09:00:00+05:00")
    send.add_argument("--key", help="Idempotency-Key")
    _command(commands, "delivery", "where a delivery stands", _delivery, "id")
    report = _command(commands, "report", "all that is wrong with a delivery", _report, "id")
    report.add_argument("--csv", action="store_true")
    _command(commands, "approve", "publish what waits for a decision", _approve, "id")
    for name, run in (("refuse", _refuse), ("release", _release)):
        _command(commands, name, f"{name} a delivery", run, "id").add_argument("--reason", required=True)
    _command(commands, "versions", "the versions of a table, newest first", _versions, "uri")
    read = _command(commands, "read", "save a table as Parquet", _read, "uri")
    read.add_argument("file", type=Path)
    read.add_argument("--version", type=int)
    return parser


def _command(commands: Any, name: str, text: str, run: Any, subject: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument(subject)
    parser.set_defaults(run=run)
    return parser


def _put(portal: Portal, given: argparse.Namespace) -> int:
    _print(portal.put_dataset(given.uri, json.loads(given.passport.read_text(encoding="utf-8"))))
    return 0


def _send(portal: Portal, given: argparse.Namespace) -> int:
    delivery = portal.send(
        given.uri,
        given.file,
        mode=given.mode,
        check=given.check,
        publish_at=given.publish_at,
        key=given.key,
        progress=_progress if sys.stderr.isatty() else None,
    )
    return _tell(delivery)


def _delivery(portal: Portal, given: argparse.Namespace) -> int:
    return _tell(portal.delivery(given.id))


def _approve(portal: Portal, given: argparse.Namespace) -> int:
    return _tell(portal.wait(portal.approve(given.id)))


def _refuse(portal: Portal, given: argparse.Namespace) -> int:
    portal.refuse(given.id, given.reason)
    return _tell(portal.delivery(given.id)) and 0


def _release(portal: Portal, given: argparse.Namespace) -> int:
    return _tell(portal.wait(portal.release(given.id, given.reason)))


def _report(portal: Portal, given: argparse.Namespace) -> int:
    writer = csv.writer(sys.stdout, delimiter="," if given.csv else "\t")
    for finding in portal.report(given.id):
        writer.writerow([finding.row, finding.field, finding.cell, finding.code, finding.sentence])
    return 0


def _versions(portal: Portal, given: argparse.Namespace) -> int:
    for version in portal.versions(given.uri):
        print(f"{version.number}\t{version.rows}\t{version.sha256}")
    return 0


def _read(portal: Portal, given: argparse.Namespace) -> int:
    given.file.write_bytes(portal.read(given.uri, given.version, into="bytes"))
    return 0


def _tell(delivery: Delivery) -> int:
    """The delivery in lines of `name: value`; 1 when it was not taken."""
    print(f"delivery: {delivery.id}\nstate: {delivery.state} ({delivery.state_label})")
    if delivery.version:
        print(f"version: {delivery.version.number}, {delivery.version.rows} rows")
    for name in ("added", "changed", "removed"):
        if getattr(delivery, name) is not None:
            print(f"{name}: {getattr(delivery, name)}")
    for stop in delivery.stops:
        print(f"stop: {stop.sentence}")
    return int(delivery.state in ("refused", "failed", "quarantined"))


def _tell_refused(refused: Refused) -> None:
    print(f"kzopen-client: {refused}\ndelivery: {refused.delivery}", file=sys.stderr)
    for finding in refused.findings:
        place = f"row {finding['row']}, {finding['field']}" if finding.get("row") else finding.get("field") or "-"
        print(f"  {place}: {finding['sentence']}", file=sys.stderr)


def _progress(sent: int, total: int) -> None:
    filled = WIDTH * sent // total
    end = "\n" if sent == total else ""
    print(f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {100 * sent // total} %", end=end, file=sys.stderr, flush=True)


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    raise SystemExit(main())
