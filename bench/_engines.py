"""Our engine and Solr over the same documents, each asked through its Python client; both decode the documents of the page.

Ids, order and facets are compared before anything is measured. Terms rotate, and both take turns, so a busy moment meets both.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pysolr
from ckanext.kzopen.search import document, solr_request
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Engine, Entry, Reader, Writer

from bench import _documents
from bench.figures import Figure, below, ratio, told

ROWS = 20
LABELS = ("public", "member-1", "creator-2", "visitor")
WORDS_ALONE = {"defType": "dismax", "qf": "name^4 title^4 tags^2 groups^2 text", "mm": "2<-1 5<80%", "tie": "0.1"}
"""What CKAN adds for a query that names no field."""
COMPARED = 40
PER_BATCH = 200


@dataclass(frozen=True)
class Sides:
    """Both engines with the same documents in them."""

    engine: Engine
    writer: Writer
    reader: Reader
    solr: pysolr.Solr
    count: int


def request(query: str, **more: Any) -> dict[str, Any]:
    """What `package_search` asks for a page with seven facets; the reader's labels are left to each side."""
    asked = {
        "q": query,
        "q.op": "AND",
        "df": "text",
        "fl": "id validated_data_dict",
        "fq": ["+capacity:public", f'+site_id:"{_documents.SITE}"', "+state:active"],
        "sort": "score desc, metadata_modified desc",
        "rows": ROWS + 1,
        "start": 0,
        "facet": "true",
        "facet.field": list(_documents.FACETS),
        "facet.limit": 50,
        "facet.mincount": 1,
        "wt": "json",
    }
    return asked | (WORDS_ALONE if ":" not in query else {}) | more


def ours(reader: Reader, asked: dict[str, Any]) -> Any:
    """Ask the engine and decode the documents as the product does."""
    answer = reader.search(solr_request.search_of(asked, frozenset(LABELS)))
    for one in answer.documents[:ROWS]:
        orjson.loads(one["validated_data_dict"])
    return answer


def theirs(solr: pysolr.Solr, asked: dict[str, Any]) -> Any:
    """Ask Solr through CKAN's client and decode the documents as CKAN does."""
    labels = " OR ".join(f'"{label}"' for label in LABELS)
    answer = solr.search(**asked | {"fq": [*asked["fq"], f"+permission_labels:({labels})"]})
    for one in answer.docs[:ROWS]:
        json.loads(one["validated_data_dict"])
    return answer


def filled(count: int, address: str, search_url: str, folder: Path, say: Callable[[str], None]) -> Sides:
    """Both engines with `count` documents."""
    engine = engine_of(search_url, folder)
    started = time.monotonic()
    writer, kept = engine.built(entries(count))
    say(f"{kept:,} documents analysed and indexed by ours in {time.monotonic() - started:.0f} s")
    solr = pysolr.Solr(address, timeout=600)
    started = time.monotonic()
    for start in range(0, count, PER_BATCH):
        solr.add(list(_documents.sources(min(start + PER_BATCH, count), start)), commit=False)
    solr.commit()
    say(f"and by Solr in {time.monotonic() - started:.0f} s")
    return Sides(engine, writer, engine.reader(), solr, count)


def entries(count: int) -> Iterator[Entry]:
    """What the index takes of every document, analysed in two processes."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        starts = range(0, count, PER_BATCH)
        for some in pool.imap(_analysed, [(start, min(start + PER_BATCH, count)) for start in starts]):
            yield from some


def _analysed(span: tuple[int, int]) -> list[Entry]:
    return [entry_of(source) for source in _documents.sources(span[1], span[0])]


def entry_of(source: dict[str, Any]) -> Entry:
    """One document as the indexer would hand it to an engine."""
    return document.from_solr(source, _documents.SITE).entry()


def compare(sides: Sides) -> None:
    """All ids in their order and all facets, for many words and for everything; raises AssertionError at a difference."""
    for query in [*_documents.codes(COMPARED, 1, sides.count), "*:*"]:
        asked = request(query, sort="metadata_modified desc, name asc", fl="id validated_data_dict name")
        mine, other = ours(sides.reader, asked), theirs(sides.solr, asked)
        assert mine.hits == other.hits, f"{query}: {mine.hits} hits and {other.hits} of Solr"
        assert [one["name"] for one in mine.documents] == [one["name"] for one in other.docs], query
        assert _facets(mine.facets) == _of_solr(other.facets["facet_fields"]), query


def _facets(found: dict[str, list[tuple[str, int]]]) -> dict[str, list[tuple[str, int]]]:
    return {name: [(value, count) for value, count in pairs] for name, pairs in found.items()}


def _of_solr(found: dict[str, list[Any]]) -> dict[str, list[tuple[str, int]]]:
    return {name: list(zip(flat[0::2], flat[1::2], strict=True)) for name, flat in found.items()}


def figures(sides: Sides, words: int) -> list[Figure]:
    """The three engine figures, in milliseconds."""
    rotating = _documents.codes(words, 2, sides.count)
    word = in_turns(sides, (request(code) for code in rotating))
    everything = in_turns(sides, (request("*:*", start=ROWS * n) for n in range(len(rotating) // 4)))
    after = after_commits(sides, rotating[: len(rotating) // 10])
    return [
        *judged("search.word", word),
        below("search.word_p95", p95(word[0]), 5, "ms"),
        *judged("search.match_all", everything),
        *judged("search.after_commit", after),
    ]


def in_turns(sides: Sides, requests: Iterable[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """Times of ours and of Solr's, each question put to both, first to one, then to the other."""
    times: tuple[list[float], list[float]] = ([], [])
    asking = (lambda asked: ours(sides.reader, asked), lambda asked: theirs(sides.solr, asked))
    for number, asked in enumerate(requests):
        for side in (0, 1) if number % 2 else (1, 0):
            times[side].append(timed(lambda side=side, asked=asked: asking[side](asked)))  # type: ignore[misc]
    return times


def after_commits(sides: Sides, words: list[str]) -> tuple[list[float], list[float]]:
    """The first question after a commit, again and again: one document changes before each."""
    times: tuple[list[float], list[float]] = ([], [])
    for number, code in enumerate(words):
        changed = next(_documents.sources(number + 1, number)) | {"version": f"changed-{number}"}
        sides.writer.put([entry_of(changed)])
        sides.writer.commit()
        times[0].append(timed(lambda code=code: ours(sides.reader, request(code))))  # type: ignore[misc]
        sides.solr.add([changed], commit=True)
        times[1].append(timed(lambda code=code: theirs(sides.solr, request(code))))  # type: ignore[misc]
    return times


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds that the work took."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def judged(name: str, times: tuple[list[float], list[float]], bar: float = 10) -> list[Figure]:
    """Medians as a ratio with its bar; the slow end is told."""
    mine, other = (statistics.median(one) for one in times)
    return [ratio(f"{name}_p50", mine, other, bar, "ms"), told(f"{name}_p95_of_both", p95(times[0]), "ms", p95(times[1]))]
