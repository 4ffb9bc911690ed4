"""Benchmarks: each a command, `./kzopen bench NAME`, that prints its figures against a bar or a peer in the same run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

# CKAN puts its own folder, which has a package `tests` too, before all others when it is imported.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
importlib.import_module("tests")
