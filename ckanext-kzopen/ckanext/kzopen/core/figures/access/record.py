"""The web server's access records: one line of JSON a request, in a file that every worker process adds to.

Nothing here imports CKAN: gunicorn's processes load it. A record has the client's address and its program's name, nothing that
tells who is signed in, and of the query only what names an object; the whole file is deleted by the rule of keeping.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

FOLDER = Path("logs") / "access"
CURRENT = "access.log"
ROUTE, ARGUMENTS, NUMBER = "kzopen.route", "kzopen.arguments", "kzopen.request"
NAMING = ("id", "resource_id", "uri")
LONGEST = 300


def folder(data: str | Path) -> Path:
    """Where the access records of a portal lie."""
    return Path(data) / FOLDER


def line(environ: Mapping[str, Any], status: int, size: int, seconds: float, at: datetime | None = None) -> str:
    """The record of one request, as a line without its end; routes and arguments are those that Flask found."""
    told = {
        "at": (at or datetime.now(UTC)).isoformat(timespec="milliseconds"),
        "request": environ.get(NUMBER, ""),
        "method": environ.get("REQUEST_METHOD", ""),
        "route": environ.get(ROUTE, ""),
        "of": {name: str(value)[:LONGEST] for name, value in (environ.get(ARGUMENTS) or {}).items()} | _named(environ),
        "status": status,
        "size": size,
        "ms": round(seconds * 1000),
        "agent": str(environ.get("HTTP_USER_AGENT", ""))[:LONGEST],
        "address": environ.get("REMOTE_ADDR", ""),
    }
    return json.dumps(told, ensure_ascii=True)


def _named(environ: Mapping[str, Any]) -> dict[str, str]:
    """What the query names, such as the resource of `datastore_search?resource_id=…`."""
    found = parse_qs(str(environ.get("QUERY_STRING", ""))[:2000])
    return {f"?{name}": found[name][0][:LONGEST] for name in NAMING if found.get(name)}


class Records(WatchedFileHandler):
    """Adds lines to the file of now, also after it was renamed: each line is one write, so workers do not mix theirs."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(path, encoding="ascii", delay=True)
        self.setFormatter(logging.Formatter("%(message)s"))

    def add(self, text: str) -> None:
        """Write one line."""
        self.handle(logging.LogRecord("access", logging.INFO, "", 0, text, None, None))
