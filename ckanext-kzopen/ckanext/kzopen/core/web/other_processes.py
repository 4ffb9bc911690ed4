"""Whether an administrator changed CKAN's options in another process is asked once a second.

CKAN asks before each request, with a transaction of its own: for a request that only reads, a tenth of its time.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from ckan.lib.app_globals import app_globals

SECONDS = 1.0
_Globals: Any = type(app_globals)
_ask = _Globals._check_uptodate


@cache
def attach() -> None:
    """Once in a process."""
    _Globals._check_uptodate = _seldom


def _seldom(known: Any) -> None:
    now = time.monotonic()
    if now - getattr(known, "_kzopen_asked", -SECONDS) >= SECONDS:
        known._kzopen_asked = now
        _ask(known)
