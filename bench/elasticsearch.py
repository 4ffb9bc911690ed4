"""What `search` and `index` measure, with our side on a real Elasticsearch: that all of it works, and how fast; no bars.

Needs `../shared`, Java and Maven. The one node has a share of the machine that the embedded engine does not need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench import _ours, index, search
from bench.figures import Figure
from tests import search_engines


def run(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """All figures of both; `quick` has their quick sizes."""
    lacks = search_engines.lacks("elasticsearch")
    if lacks:
        say(lacks)
        return []
    with search_engines.elasticsearch() as address, _ours.on(f"elasticsearch://{address}"):
        return [replace(figure, verdict="told", bar=None) for figure in (*search.run(quick, say), *index.run(quick, say))]
