"""`package_search` over HTTP, 20 rows with seven facets: our portal and stock CKAN on Solr, one web worker each.

Ids, their order and facets are compared first; then both are asked in turns, words rotate.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg

from bench import _documents
from bench._engines import judged, p95, timed
from bench._portals import Both, Side
from bench.figures import Figure, at_least, below

FACETS = ("organization", "groups", "tags", "res_format", "license_id", "dataset_type", "version")
COMPARED = 10
SEARCHES, CHANGES = 50, 20
"""A second, while sets change."""
FOUND_WITHIN = 10
READERS = 8

Say = Callable[[str], None]


def page(client: httpx.Client, query: str, **more: Any) -> Any:
    """The result of one `package_search`, decoded."""
    given = {"q": query, "rows": 20, "facet.field": json.dumps(FACETS), **more}
    answer = client.get("/api/3/action/package_search", params=given)
    answer.raise_for_status()
    return answer.json()["result"]


def compare(both: Both) -> None:
    """Both give the same ids in the same order, counts and facets."""
    with both.ours.client() as mine, both.stock.client() as other:
        for query in [*_documents.codes(COMPARED, 3, both.count), "*:*"]:
            answers = [page(client, query, sort="metadata_modified desc, name asc") for client in (mine, other)]
            seen = [
                ([one["name"] for one in found["results"]], found["count"], _facets(found["search_facets"]))
                for found in answers
            ]
            assert seen[0] == seen[1], query


def _facets(found: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {name: {item["name"]: item["count"] for item in facet["items"]} for name, facet in found.items()}


def figures(both: Both, words: int) -> list[Figure]:
    """The median page, in milliseconds, beside stock CKAN's."""
    times: tuple[list[float], list[float]] = ([], [])
    with both.ours.client() as mine, both.stock.client() as other:
        clients = (mine, other)
        for client in clients:
            page(client, "*:*")  # connections, templates, the first translation
        for number, code in enumerate(_documents.codes(words, 4, both.count)):
            for side in (0, 1) if number % 2 else (1, 0):
                times[side].append(timed(lambda client=clients[side], code=code: page(client, code)))  # type: ignore[misc]
    return judged("search.http", times, bar=3)


def suggesting(both: Both, words: int) -> list[Figure]:
    """The beginnings of words of titles, as somebody types them."""
    begun = random.Random(6).sample([word[:4] for word in _documents.vocabulary() if len(word) > 5 and word.isalpha()], words)
    times = []
    with both.ours.client() as client:
        for number, typed in enumerate(begun):
            started = time.perf_counter()
            client.get("/api/search/v1/suggest", params={"q": typed}).raise_for_status()
            if number:  # the first one opens the connection
                times.append((time.perf_counter() - started) * 1000)
    return [below("search.suggestion_p95", p95(times), 15, "ms")]


def under_changes(both: Both, seconds: float, say: Say) -> list[Figure]:
    """Searches at a fixed rate from several readers while documents of data sets change at another; errors are counted."""
    stop, errors, changed = threading.Event(), [0], [0]
    changing = threading.Thread(target=_change, args=[both.ours.database, stop, changed])
    times: list[float] = []
    words = _documents.codes(5000, 5, both.count)
    begin = time.monotonic()
    readers = [
        threading.Thread(
            target=_read, args=[both.ours, words[n::READERS], begin + n / SEARCHES, begin + seconds, times, errors]
        )
        for n in range(READERS)
    ]
    for thread in (changing, *readers):
        thread.start()
    for thread in readers:
        thread.join()
    stop.set()
    changing.join()
    _wait_until_found(both.ours, _version(changed[0] - 1))
    say(f"{len(times):,} searches and {changed[0]:,} changes in {seconds:.0f} s")
    return [
        below("search.changing_p95", p95(times), 50, "ms"),
        below("search.changing_errors", errors[0], 1, ""),
        at_least("search.changing_searches", len(times) / seconds, 0.95 * SEARCHES, "/s"),
        at_least("search.changing_changes", changed[0] / seconds, 0.95 * CHANGES, "/s"),
    ]


def _wait_until_found(side: Side, version: str) -> None:
    """The last change is in the index, and so are all before it."""
    until = time.monotonic() + FOUND_WITHIN
    with side.client() as client:
        while page(client, f'version:"{version}"', rows=0)["count"] != 1:
            assert time.monotonic() < until, f"the change to {version} was not indexed"
            time.sleep(0.05)


def _version(number: int) -> str:
    return f"changed{number}"


def _read(side: Side, words: list[str], due: float, end: float, times: list[float], errors: list[int]) -> None:
    """One reader's share of the rate, at moments of its own; a time counts from when the search was due, so waiting behind
    others is in it."""
    with side.client() as client:
        number = 0
        while due < end:
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                page(client, words[number % len(words)])
                times.append((time.monotonic() - due) * 1000)
            except httpx.HTTPError:
                errors[0] += 1
            due += READERS / SEARCHES
            number += 1


_CHANGE = """
    WITH one AS (
        UPDATE kzopen.search_document SET stored = jsonb_set(stored::jsonb, '{version}', to_jsonb(%(version)s::text))::json,
            fields = jsonb_set(fields::jsonb, '{keywords,version}', jsonb_build_array(%(version)s::text))::json,
            hash = %(hash)s, changed = now()
        WHERE key = (SELECT key FROM kzopen.search_document WHERE entity_type = 'package' OFFSET %(place)s LIMIT 1)
        RETURNING key
    ), told AS (
        INSERT INTO kzopen.outbox (topic, key, payload) SELECT 'search.document', key, '{}' FROM one RETURNING id
    ), addressed AS (INSERT INTO kzopen.outbox_delivery (consumer, outbox_id) SELECT 'search', id FROM told)
    SELECT pg_notify('kzopen_outbox', 'search.document')
"""


def _change(database: str, stop: threading.Event, changed: list[int]) -> None:
    """Change documents at their rate, as committed changes of data sets leave them: what is stored and what is indexed."""
    with psycopg.connect(database, autocommit=True) as connection:
        due, number = time.monotonic(), 0
        while not stop.wait(max(0.0, due - time.monotonic())):
            connection.execute(_CHANGE, {"version": _version(number), "hash": number + 1, "place": number % 1000})
            changed[0] += 1
            due += 1 / CHANGES
            number += 1
