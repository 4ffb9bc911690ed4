"""Whether secrets belong to an archive, told before anything is written.

With those of another portal its operator could not sign in, no token would hold, and nothing more could be recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.backup import archive, making
from ckanext.kzopen.runtime.secrets import fingerprint
from cryptography.hazmat.primitives.serialization import load_pem_private_key

NEEDED = ("secret_key", "jwt_key", "csrf_key", "metrics_token", "record_password")
"""Those that every archive has; `people_key` came later, and is made where it is missing."""
SAYS_KEY = "-----BEGIN"
_HELP = "give with --secrets the file that ./kzopen backup wrote beside {}"


class DoNotFit(Exception):
    """The secrets are not those of the archive; the message says which file or setting is another's."""


def check(source: Path, file: Path, secrets: Any, settings: Settings) -> None:
    """Raise DoNotFit unless the secrets in `file` are the archive's and open its record; Unreadable for a broken archive."""
    lacking = [name for name in NEEDED if not isinstance(secrets, Mapping) or not secrets.get(name)]
    if lacking:
        raise DoNotFit(f"{file} lacks {', '.join(lacking)}; {_HELP.format(source)}")
    manifest, texts = archive.texts_below(source, making.RECORD)
    if manifest.secrets and manifest.secrets != fingerprint(secrets):
        raise DoNotFit(_other(source, file))
    keys = [text.encode() for text in texts if text.startswith(SAYS_KEY)]
    if not _opens(secrets["record_password"], keys):
        raise DoNotFit(_other(source, file))
    if settings.record_password and not _opens(settings.record_password, keys):
        raise DoNotFit(
            "record_password of the settings does not open the record's key in the archive; give that portal's, or none"
        )


def _opens(password: str, keys: Sequence[bytes]) -> bool:
    """Whether the password opens a key of the record: one that a rotation left behind may have another."""
    return not keys or any(_opened(password, key) for key in keys)


def _opened(password: str, key: bytes) -> bool:
    try:
        load_pem_private_key(key, password.encode())
    except (ValueError, TypeError):
        return False
    return True


def _other(source: Path, file: Path) -> str:
    return f"{file} holds the secrets of another portal or another day; {_HELP.format(source)}"
