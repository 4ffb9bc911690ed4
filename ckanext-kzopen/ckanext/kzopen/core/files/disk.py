"""Files in a folder of this machine, or of a disk that all machines share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from ckanext.kzopen.core.files.kinds import UNFINISHED, Entry, checked


@dataclass(frozen=True)
class Disk:
    """Written beside its place, synced, renamed: nobody ever sees half a file."""

    root: Path

    @property
    def workplace(self) -> Path:
        """The folder itself."""
        return self.root

    def publish(self, name: str) -> None:
        """What was written under its name is stored already."""
        self.path(name)

    @contextmanager
    def scratch(self, folder: str) -> Iterator[Path]:
        """An empty file in the folder, so that keeping it is a rename."""
        place = self.root / checked(folder)
        place.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=place, prefix=UNFINISHED, delete=False) as file:
            temporary = Path(file.name)
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def keep(self, temporary: Path, name: str) -> None:
        """Sync, rename, and sync the folder: a rename is safe only when the folder itself is on disk.

        Its time is now, whenever the last of it was written: what nobody names for long is tidied away.
        """
        final = self.root / checked(name)
        final.parent.mkdir(parents=True, exist_ok=True)
        os.utime(temporary)
        sync(temporary)
        temporary.rename(final)
        sync(final.parent)

    def path(self, name: str) -> Path:
        """The file itself."""
        found = self.root / checked(name)
        if not found.is_file():
            raise FileNotFoundError(found)
        return found

    def is_left(self, name: str) -> bool:
        """There are no copies."""
        return self.exists(name)

    def exists(self, name: str) -> bool:
        """Whether it is stored."""
        return (self.root / checked(name)).is_file()

    def delete(self, name: str) -> None:
        """Delete it; it need not be there."""
        (self.root / checked(name)).unlink(missing_ok=True)

    def listing(self, folder: str) -> Iterator[Entry]:
        """All files below the folder; those that go while it is read are left out."""
        for file in sorted((self.root / checked(folder)).rglob("*")):
            try:
                found = file.stat()
            except FileNotFoundError:
                continue
            if file.is_file():
                yield Entry(str(file.relative_to(self.root)), found.st_size, found.st_mtime)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
