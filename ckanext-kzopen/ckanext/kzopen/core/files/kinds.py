"""What every kind of store can do, and which kind an address asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

UNFINISHED = ".unfinished-"
"""The names of files that are still being written begin with it."""


class UnknownStore(ValueError):
    """Files can be kept under a file:// or an s3:// address only."""


@dataclass(frozen=True)
class Entry:
    """A stored file: its name, bytes, and when it was written (Unix time)."""

    name: str
    size: int
    written: float


class Files(Protocol):
    """Stored files under one address."""

    @property
    def workplace(self) -> Path:
        """A folder of this machine with files under their names, in which one may write: `publish` makes them stored."""

    def publish(self, name: str) -> None:
        """Let a whole and synced file of the workplace be the stored file of its name."""

    def scratch(self, folder: str) -> AbstractContextManager[Path]:
        """An empty file to write into, gone after the block unless it was kept."""

    def keep(self, temporary: Path, name: str) -> None:
        """Let a scratch file be the stored file `name`; when this returns, it survives a power cut."""

    def path(self, name: str) -> Path:
        """The file on this machine, complete; FileNotFoundError when it is not stored."""

    def is_left(self, name: str) -> bool:
        """Whether the file is stored, or a copy of it lies on this machine."""

    def exists(self, name: str) -> bool:
        """Whether it is stored; a copy in a cache does not count."""

    def delete(self, name: str) -> None:
        """Delete it, and its copy on this machine; it need not be there."""

    def listing(self, folder: str) -> Iterator[Entry]:
        """All files below a folder, unfinished ones too."""


def checked(name: str) -> str:
    """The name, unless it leads out of the store."""
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts) or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} cannot be the name of a stored file")
    return name


@lru_cache(maxsize=8)
def of(address: str) -> Files:
    """The store behind an address; UnknownStore for one that is not understood."""
    parts = urlsplit(address)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        from ckanext.kzopen.core.files.disk import Disk

        return Disk(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.hostname:
        from ckanext.kzopen.core.files.s3 import Bucket, read_address

        return Bucket(read_address(address))
    raise UnknownStore(f"{parts.scheme or address}: give file:///an/absolute/path or s3://bucket/folder?region=…")


def is_away(error: BaseException) -> bool:
    """Whether the server of a bucket did not answer, or refused: pyarrow tells it in words only."""
    return isinstance(error, OSError) and "AWS Error" in str(error)
