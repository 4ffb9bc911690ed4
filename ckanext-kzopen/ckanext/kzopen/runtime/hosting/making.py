"""The files of one portal, made from its settings."""

from __future__ import annotations

import getpass
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal

PROGRAM = Path(__file__).resolve().parents[5] / "kzopen"
SERVICE, BACKUPS, WEB = ("kzopen.service",), ("kzopen-backup.service", "kzopen-backup.timer"), ("nginx.conf",)
FIXED = frozenset({"KZOPEN_VENV", "KZOPEN_DATA"})
"""Variables of the launcher itself, and the one that is in the unit."""


class CannotMake(Exception):
    """The files would not work; the message says which setting is missing."""


class File(Template):
    """A template whose values are written `@name`: `$` and `%` mean something to nginx and to systemd."""

    delimiter = "@"


@dataclass(frozen=True)
class Wanted:
    """What the settings do not tell: the account, the folder of kzopen.toml, and where backups go and how many are kept."""

    user: str
    folder: Path
    backups: Path | None = None
    keep: int = 14


def owner_of(portal: Portal) -> str:
    """The account to which the portal's data belong; before there are any, the one that asks."""
    return pwd.getpwuid(portal.data.stat().st_uid).pw_name if portal.data.exists() else getpass.getuser()


def files_of(portal: Portal, wanted: Wanted) -> dict[str, str]:
    """The text of each file by its name; nginx's only where readers reach the portal by https.

    Raises CannotMake for a path with characters that mean something in a unit, and for an account that does not exist.
    """
    names = SERVICE + (BACKUPS if wanted.backups else ()) + (WEB if has_web(portal.settings) else ())
    values = _values(portal, wanted)
    title = " ".join(portal.settings.site_title.split())
    return {
        # `%` begins something else in a unit, and nothing in nginx's file.
        name: File(_template(name)).substitute(values, title=title if name in WEB else title.replace("%", "%%"))
        for name in names
    }


def has_web(settings: Settings) -> bool:
    """Whether the settings name the address of a web server with TLS."""
    return urlsplit(settings.site_url).scheme == "https"


def host_of(settings: Settings) -> str:
    """The name under which readers know the portal."""
    return urlsplit(settings.site_url).hostname or ""


def _bracketed(host: str) -> str:
    """A host as it stands before a port: an address of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def only_here(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The settings that only this shell's environment has: a unit would start without them."""
    return sorted(name for name in environment if name.startswith("KZOPEN_") and name not in FIXED)


def _template(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _values(portal: Portal, wanted: Wanted) -> dict[str, str]:
    settings = portal.settings
    inner = settings.trusted_proxies > 1
    return {
        "user": _account(wanted.user),
        "no_setuid": "no" if wanted.user == "root" else "yes",
        "folder": _path(wanted.folder),
        "program": _path(PROGRAM),
        "data": _path(portal.data),
        "backups": _path(wanted.backups) if wanted.backups else "",
        "keep": str(wanted.keep),
        "host": host_of(settings),
        "upstream": f"{_bracketed(settings.inner_host)}:{settings.port}",
        "stalled_after": f"{settings.stalled_after + 5}s",
        "forwarded_for": "$proxy_add_x_forwarded_for" if inner else "$remote_addr",
        "forwarded_proto": '"$http_x_forwarded_proto, $scheme"' if inner else "$scheme",
    }


def _account(name: str) -> str:
    try:
        return pwd.getpwnam(name).pw_name
    except KeyError as error:
        raise CannotMake(f"there is no account {name}; make it: sudo useradd --system --create-home {name}") from error


def _path(path: Path) -> str:
    """A path as a unit names it; raises CannotMake for one that it would read otherwise."""
    text = str(path)
    if any(character.isspace() or character in "\"'\\$%;#" for character in text):
        raise CannotMake(f"{text!r} has a character that means something in a unit; choose a path of letters, digits, - and _")
    return text
