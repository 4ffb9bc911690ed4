"""How fast the index follows, beside stock CKAN 2.12 on a real Solr 9.8 with the same data sets, in the same run.

Data sets made by the API until the last is found; rebuilds; how long one change takes to be found. Needs `../shared`, Java and
Maven.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from bench import _creating, _following, _portals, _rebuilding
from bench.figures import Figure, unproven
from tests import search_engines

Say = Callable[[str], None]
SETS, QUICK_SETS = 10_000, 1_000
CREATED, QUICK_CREATED = 500, 60
PEERS = {
    "index.create_one_client": 1.7,
    "index.create_four_clients": 3,
    "index.rebuild_from_documents": 50,
    "index.rebuild_computing": 1.3,
}


def run(quick: bool, say: Say) -> list[Figure]:
    """All figures; `quick` has a tenth of the data sets."""
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    followed = _following.figures(quick, say)
    lacks = search_engines.lacks("solr")
    if lacks:
        say(lacks)
        return [*followed, *(unproven(name, 0, "/s", f">={bar:g}x") for name, bar in PEERS.items())]
    if quick:
        say(f"--quick: {QUICK_SETS:,} data sets of {SETS:,}, {QUICK_CREATED} made of {CREATED}")
    with _portals.both(QUICK_SETS if quick else SETS, 2, {"kzopen.search_wait": "0"}, say) as both:
        rebuilt = _rebuilding.figures(both, say)
        return [*followed, *rebuilt, *_creating.figures(both, QUICK_CREATED if quick else CREATED)]
