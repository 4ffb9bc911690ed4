"""How fast searches are answered, beside a real Solr 9.8 with CKAN's schema, both in the same run.

The engine by itself over 100,000 documents. Needs `../shared/tools`, Java and Maven.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import _engines
from bench.figures import Figure
from tests import search_engines

Say = Callable[[str], None]
DOCUMENTS, QUICK_DOCUMENTS = 100_000, 10_000
WORDS, QUICK_WORDS = 400, 200


def run(quick: bool, say: Say) -> list[Figure]:
    """All figures; `quick` has a tenth of the documents."""
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return engine_figures(quick, say)


def engine_figures(quick: bool, say: Say) -> list[Figure]:
    """Our engine against Solr, by their Python clients."""
    count = QUICK_DOCUMENTS if quick else DOCUMENTS
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder, search_engines.solr("bench") as address:
        sides = _engines.filled(count, address, "", Path(folder) / "index", say)
        _engines.compare(sides)
        say(f"ids, their order and facets of {_engines.COMPARED} words and of everything are the same")
        found = _engines.figures(sides, QUICK_WORDS if quick else WORDS)
        sides.writer.close()
        return found
