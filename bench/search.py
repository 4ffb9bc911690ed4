"""How fast searches are answered, beside a real Solr 9.8 with CKAN's schema and stock CKAN 2.12 on it, all in the same run.

The engine by itself over 100,000 documents; `package_search` over HTTP at 10,000 data sets; searches while data sets change.
Needs `../shared`, Java and Maven.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import _engines, _ours, _pages, _portals
from bench.figures import Figure, unproven
from tests import search_engines

Say = Callable[[str], None]
DOCUMENTS, QUICK_DOCUMENTS = 100_000, 10_000
SETS, QUICK_SETS = 10_000, 1_500
WORDS, QUICK_WORDS = 400, 100
MINUTES = 10
PEERS = {"search.word_p50": 10, "search.match_all_p50": 10, "search.after_commit_p50": 10, "search.http_p50": 3}


def run(quick: bool, say: Say) -> list[Figure]:
    """All figures; `quick` has a tenth of the documents and leaves out the ten minutes of changes."""
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    lacks = search_engines.lacks("solr")
    if lacks:
        say(lacks)
        return [unproven(name, 0, "ms", f">={bar:g}x") for name, bar in PEERS.items()]
    if quick:
        say(f"--quick: {QUICK_DOCUMENTS:,} documents of {DOCUMENTS:,}, {QUICK_SETS:,} sets of {SETS:,}; none under changes")
    return [*engine_figures(quick, say), *http_figures(quick, say)]


def engine_figures(quick: bool, say: Say) -> list[Figure]:
    """Our engine against Solr, by their Python clients."""
    count = QUICK_DOCUMENTS if quick else DOCUMENTS
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder, search_engines.solr("bench") as address:
        sides = _engines.filled(count, address, _ours.search_url("bench"), Path(folder) / "index", say)
        _engines.compare(sides)
        say(f"ids, their order and facets of {_engines.COMPARED} words and of everything are the same")
        found = _engines.figures(sides, QUICK_WORDS if quick else WORDS)
        sides.writer.close()
        return found


def http_figures(quick: bool, say: Say) -> list[Figure]:
    """Our portal against stock CKAN, one web worker each, and ours while its documents change."""
    with _portals.both(QUICK_SETS if quick else SETS, 1, {}, say) as both:
        both.ours.ckan("kzopen-search", "rebuild", "--recompute", "--wait", "3600")
        both.stock.ckan("search-index", "rebuild", "-q")
        _pages.compare(both)
        say(f"package_search: ids, their order and facets of {_pages.COMPARED} words and of everything are the same")
        words = QUICK_WORDS if quick else WORDS
        found = [*_pages.figures(both, words), *_pages.suggesting(both, words)]
        if not quick:
            found += _pages.under_changes(both, MINUTES * 60, say)
        return found
