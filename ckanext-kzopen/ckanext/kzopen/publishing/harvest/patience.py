"""How long a source is left alone that did not answer."""

from __future__ import annotations

import random

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.web.errors import KzError

LONGEST_WAIT = 300.0
TRIES = 4
"""How often a run tries to read its list."""


def first_wait() -> float:
    """Seconds before the second try."""
    return float(tk.config["kzopen.harvest_wait"])


def waiting_time(attempts: int, error: KzError) -> float:
    """Seconds before the next try: doubled each time, as long as the host asks for, and up to a quarter more by chance."""
    wait = min(LONGEST_WAIT, first_wait() * 2.0 ** (attempts - 1))
    asked = float(error.params.get("seconds", 0)) if error.code == "harvest.source_busy" else 0.0
    return max(wait, asked) * (1 + random.random() / 4)  # noqa: S311 - not for secrets
