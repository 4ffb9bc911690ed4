"""The agent in a hurry: every pause, and every span of its file, is a tenth. What it does between them is the same."""

from __future__ import annotations

import sys

from kzopen_agent import __main__ as command
from kzopen_agent import sending, settings

FASTER = 10

command.ROUND /= FASTER
sending.UNDER_WAY_WAIT /= FASTER
sending.FIRST_WAIT /= FASTER
settings.SECONDS = {unit: length / FASTER for unit, length in settings.SECONDS.items()}
sys.exit(command.main())
