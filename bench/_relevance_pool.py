"""Pools for judging: the best documents of every engine for every query, without telling which engine found them.

Example: .venv/bin/python -m bench._relevance_pool tantivy solr
Prints for each query what has no label yet; a judge reads it and writes `labels.tsv`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from bench import _relevance_documents as documents
from bench import _relevance_engines as engines
from bench._relevance_labels import labels, queries, variants

DEPTH = 10
ENGINES = {"solr": engines.solr, "tantivy": engines.tantivy, "elastic": engines.elastic}


def unjudged(names: Sequence[str]) -> dict[int, list[str]]:
    """By query, the documents of the top of any engine that have no label, in an order by chance."""
    texts, judged, other = documents.read(), labels(), variants()
    with ExitStack() as stack:
        tops = [stack.enter_context(ENGINES[name](texts)) for name in names]
        found = {}
        for query in queries():
            wordings = [query.text, *other.get(query.number, ())]
            pool = {identity for top in tops for wording in wordings for identity in top(wording, DEPTH)}
            found[query.number] = sorted(pool - judged.get(query.number, {}).keys())
    for number, pool_ids in found.items():
        random.Random(number).shuffle(pool_ids)
    return found


def main() -> None:
    """Print the pools."""
    shown = {text.id: text.shown for text in documents.read()}
    pools = unjudged(sys.argv[1:] or list(ENGINES))
    for query in queries():
        if pools[query.number]:
            print(f"## {query.number} {query.text}")
        for identity in pools[query.number]:
            print(f"{identity}\t{shown[identity]}")


if __name__ == "__main__":
    main()
