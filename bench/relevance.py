"""How well people find what they mean: 195 queries in Kazakh, Russian and English over the corpus, judged by reading.

The peer is stock CKAN: its schema on a real Solr, its query. Both get the same documents and the same words. Labels were made
from the pooled first ten of all engines before the ranking was tuned; every third query was held out while it was tuned, and
the bars are for those. Documents that a later ranking brought up were judged without knowing which engine found them.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager

from bench import _relevance_documents as documents
from bench import _relevance_engines as engines
from bench._relevance_labels import Labels, Query, labels, ndcg, queries, recall
from bench.figures import Figure, told
from tests import search_engines

DEPTH = 20
AHEAD, AHEAD_IN_KAZAKH, ENOUGH = 0.15, 0.25, 0.90
KAZAKH = "kk"
Found = Mapping[int, list[str]]


def run(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """All figures; `quick` leaves out Elasticsearch."""
    texts, asked, judged = documents.read(), queries(), labels()
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    say(f"{len(texts):,} documents, {len(asked)} queries, {sum(map(len, judged.values())):,} judgements")
    ours = _answers(engines.tantivy(texts), asked, say, "tantivy")
    lacking = search_engines.lacks("solr")
    solr = None if lacking else _answers(engines.solr(texts), asked, say, "Solr")
    if lacking:
        say(f"Solr is not compared: {lacking}")
    figures = _all("relevance", asked, ours, solr, judged)
    if not quick and search_engines.lacks("elasticsearch") is None:
        figures += _all(
            "relevance.elastic", asked, _answers(engines.elastic(texts), asked, say, "Elasticsearch"), solr, judged
        )
    for name, found in (("tantivy", ours), ("Solr", solr or {})):
        say(f"documents without a judgement in the first ten of {name}: {_unjudged(found, judged)}")
    return figures


def _answers(
    opened: AbstractContextManager[engines.Top], asked: Iterable[Query], say: Callable[[str], None], name: str
) -> dict[int, list[str]]:
    """The first documents for every query."""
    with opened as top:
        times, found = [], {}
        for query in asked:
            started = time.perf_counter()
            found[query.number] = top(query.text, DEPTH)
            times.append((time.perf_counter() - started) * 1000)
    say(f"{name}: {statistics.median(times):.1f} ms a query (median, {DEPTH} documents, no warm-up)")
    return found


def _all(name: str, asked: list[Query], ours: Found, solr: Found | None, judged: Labels) -> list[Figure]:
    held = [query for query in asked if query.held_out]
    kazakh = [query for query in held if query.language == KAZAKH]
    figures = [
        _compared(f"{name}.ndcg10_held_out", held, ours, solr, judged, AHEAD),
        _compared(f"{name}.ndcg10_held_out_kazakh", kazakh, ours, solr, judged, AHEAD_IN_KAZAKH),
        _told(f"{name}.recall20_held_out", held, ours, solr, judged, recall, DEPTH),
        _told(f"{name}.ndcg10_tuned", [query for query in asked if not query.held_out], ours, solr, judged, ndcg, 10),
    ]
    for kind in dict.fromkeys(query.kind for query in asked):
        part = [query for query in asked if query.kind == kind]
        figures.append(_told(f"{name}.ndcg10_{kind}", part, ours, solr, judged, ndcg, 10))
    for language in ("kk", "ru", "en", "mixed"):
        part = [query for query in asked if query.language == language]
        figures.append(_told(f"{name}.ndcg10_in_{language}", part, ours, solr, judged, ndcg, 10))
    return figures


Measure = Callable[[list[str], Mapping[str, int], int], float]


def _mean(part: list[Query], found: Found, judged: Labels, measure: Measure, depth: int) -> float:
    """Over the queries for which anything is relevant."""
    known = [query for query in part if any(judged.get(query.number, {}).values())]
    return statistics.mean(measure(found[query.number], judged[query.number], depth) for query in known)


def _compared(name: str, part: list[Query], ours: Found, solr: Found | None, judged: Labels, ahead: float) -> Figure:
    measured = _mean(part, ours, judged, ndcg, 10)
    if solr is None:
        return Figure(name, measured, "", "holds" if measured >= ENOUGH else "unproven", bar=f">={ENOUGH}")
    peer = _mean(part, solr, judged, ndcg, 10)
    holds = measured >= peer + ahead or measured >= ENOUGH
    return Figure(name, measured, "", "holds" if holds else "short", bar=f">=peer+{ahead}|>={ENOUGH}", peer=peer)


def _told(
    name: str, part: list[Query], ours: Found, solr: Found | None, judged: Labels, measure: Measure, depth: int
) -> Figure:
    figure = told(name, _mean(part, ours, judged, measure, depth), "")
    if solr is None:
        return figure
    return Figure(name, figure.measured, "", "told", peer=_mean(part, solr, judged, measure, depth))


def _unjudged(found: Found, judged: Labels) -> int:
    return sum(identity not in judged.get(number, {}) for number, top in found.items() for identity in top[:10])
