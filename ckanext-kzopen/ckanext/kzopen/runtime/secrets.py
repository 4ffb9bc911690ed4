"""Keys, passwords and accounts made at first start, kept in the data directory and readable by its owner only."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckanext.kzopen.runtime.portal import Portal

KEYS = ("secret_key", "jwt_key", "csrf_key", "metrics_token", "record_password", "people_key")


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Replace `path` at once by JSON that only its owner may read (mode 0600)."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_private(path: Path) -> dict[str, Any]:
    """The content of a private file; empty when there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keys_of(portal: Portal) -> dict[str, str]:
    """The portal's keys: those that the settings name, else the ones made at first start."""
    kept: dict[str, str] = read_private(portal.secrets)
    missing = [name for name in KEYS if name not in kept]
    if missing:
        kept |= {name: secrets.token_urlsafe(48) for name in missing}
        write_private(portal.secrets, kept)
    settings = portal.settings
    given = {
        "secret_key": settings.secret_key,
        "metrics_token": settings.metrics_token,
        "record_password": settings.record_password,
        "people_key": settings.people_key,
    }
    return kept | {name: value for name, value in given.items() if value}


def fingerprint(keys: Mapping[str, str]) -> str:
    """By which an archive knows its secrets again: SHA-256 of all of them; keys made here are in it, so it gives none away."""
    return hashlib.sha256(json.dumps({name: keys[name] for name in sorted(keys)}).encode()).hexdigest()


def new_password() -> str:
    """A password that can be typed: 16 characters from 64, 96 bits."""
    return secrets.token_urlsafe(12)
