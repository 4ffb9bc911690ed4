"""`storing` with its files in a bucket: `main(app, URL, URI, SEED[, POINT])`.

Besides the points of `storing` it may die in the midst of an upload, and when one has arrived and nobody knows it yet.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from tests.faults import storing

POINTS = ("half uploaded", "uploaded")


def die_at(point: str) -> None:
    """As `storing.die_at`."""
    from ckanext.kzopen.core.files.s3 import Bucket

    if point == "half uploaded":
        Bucket._upload = half_uploaded  # type: ignore[method-assign]
    elif point == "uploaded":
        storing.make_deadly(Bucket, "_upload", False)
    else:
        of_storing(point)


of_storing = storing.die_at


def half_uploaded(self: Any, temporary: Path, name: str) -> None:
    """Half of a file goes out; in parts where the server takes them, for it is as long as several."""
    with self._server.open_output_stream(self._object(name)) as target:
        target.write(temporary.read_bytes()[: temporary.stat().st_size // 2])
        target.write(b"x" * (11 << 20))
        os.kill(os.getpid(), signal.SIGKILL)


def main(app: Any, url: str, uri: str, seed: str, point: str = "") -> None:
    import ckan.plugins.toolkit as tk
    from ckanext.kzopen.rows import folding

    tk.config["kzopen.files_url"] = url
    folding.defer = lambda *_args, **_kwargs: None
    storing.die_at = die_at
    storing.main(app, uri, seed, point)
