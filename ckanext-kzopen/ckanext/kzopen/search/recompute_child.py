"""Start a process with CKAN in it when documents wait to be computed anew; it ends by itself, so the indexer stays small."""

from __future__ import annotations

import subprocess
import sys
import time

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.outbox import Executor
from ckanext.kzopen.search import topics
from sqlalchemy import text

PATIENCE = 3.0
"""Seconds that a package may wait for the process that changed it."""
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 600.0
_ALONE = text("SELECT pg_try_advisory_xact_lock(:lock)")


class RecomputeChild:
    """At most one at a time; while rows remain that it could not do, it is started ever more seldom."""

    def __init__(self, ini: str) -> None:
        self._ini = ini
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = FIRST_PAUSE
        self._due = 0.0

    def look(self, connection: Executor) -> None:
        """Start one if rows have waited long enough."""
        if self._process is not None and self._process.poll() is None:
            return
        waiting = outbox.pending(connection, topics.RECOMPUTE)
        if not waiting.rows:
            self._pause = FIRST_PAUSE
        elif waiting.oldest > PATIENCE and time.monotonic() >= self._due and _nobody_drains(connection):
            self._process = subprocess.Popen([sys.executable, "-m", "ckanext.kzopen.search.recompute", self._ini])
            self._due = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def stop(self) -> None:
        """End it; what it has not done stays in the outbox."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(5)


def _nobody_drains(connection: Executor) -> bool:
    """Whether no process computes what waits; `rebuild --recompute` starts some of its own."""
    return bool(connection.execute(_ALONE, {"lock": topics.DRAINING}).scalar())
