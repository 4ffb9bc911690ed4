"""A full disk, told as such: what fails by it says so in many ways, or speaks of something else first."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

SIGN = os.strerror(errno.ENOSPC)
"""As the system's library and PostgreSQL say it: "No space left on device"."""


def no_room(error: BaseException, log: str, places: Iterable[Path]) -> str:
    """A sentence when a disk is full, else nothing; `log` is what a service said, `places` are those that are written to."""
    said = [str(error), log]
    if isinstance(error, subprocess.CalledProcessError):
        said += [_text(error.stdout), _text(error.stderr)]
    if not any(SIGN in one for one in said):
        return ""
    return f"the disk is full ({SIGN}): {_place(error, places)}; make room there, or give another place"


def _place(error: BaseException, places: Iterable[Path]) -> str:
    """The file that could not be written, where the error names it; else the place with the least room."""
    named = (error.filename2 or error.filename) if isinstance(error, OSError) else None
    disks = {place.stat().st_dev: place for place in reversed(list(places)) if place.exists()}  # the first of each disk
    there = sorted(disks.values(), key=lambda place: shutil.disk_usage(place).free)
    return str(named or next(iter(there), "the database server"))


def _text(output: str | bytes | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
