"""Folders of files that can be made again, kept under a limit."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def shrink(folders: list[Path], limit: int) -> None:
    """Forget the copies that were not used for the longest time, until the others fit; open files stay readable."""
    found = []
    for file in (file for folder in folders for file in folder.rglob("*")):
        with suppress(FileNotFoundError):
            if file.is_file() and not file.name.startswith(".unfinished-") and file.suffix != ".part":
                told = file.stat()
                found.append((told.st_mtime, told.st_size, file))
    left = sum(size for _, size, _ in found)
    for _, size, file in sorted(found)[:-1]:
        if left <= limit:
            return
        file.unlink(missing_ok=True)
        left -= size
