"""`package_create` by the API without waiting for the index, one client and four, until the last one is found; and waiting, as
the portal ships.
"""

from __future__ import annotations

import threading
import time
import uuid

import httpx

from bench import _documents
from bench._portals import Both, Side, waiting
from bench.figures import Figure, faster, told

FOUND_WITHIN = 120
WORKERS = 2
SHIPPED_WAIT = 1.0
"""Seconds, the default of `kzopen.search_wait`."""


def figures(both: Both, count: int) -> list[Figure]:
    """Data sets a second, beside stock CKAN's."""
    for side in (both.ours, both.stock):
        with side.client() as client:
            _call(client, "organization_create", name="bench-maker")
            _call(client, "package_create", **_passport(side, "warm-up"))
    (one, peer_one), (four, peer_four) = (
        (made(both.ours, count, clients), made(both.stock, count, clients)) for clients in (1, 4)
    )
    with waiting(both, WORKERS, SHIPPED_WAIT) as patient:
        with patient.client() as client:
            _call(client, "package_create", **_passport(patient, "warm-up"))
        waited = made(patient, count, 1)
    return [
        faster("index.create_one_client", one, peer_one, 1.7, "/s"),
        faster("index.create_four_clients", four, peer_four, 3, "/s"),
        told("index.create_one_client_waiting", waited, "/s", peer_one, rate=True),
    ]


def made(side: Side, count: int, clients: int) -> float:
    """Data sets a second that so many clients make, until all of them are found."""
    mark = f"mark{uuid.uuid4().hex[:10]}"
    failed: list[str] = []
    threads = [threading.Thread(target=_make, args=[side, mark, range(n, count, clients), failed]) for n in range(clients)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    with side.client() as client:
        while _found(client, mark) < count:
            assert time.monotonic() - started < FOUND_WITHIN + count, "the last data sets were not found"
            time.sleep(0.02)
    return count / (time.monotonic() - started)


def _make(side: Side, mark: str, numbers: range, failed: list[str]) -> None:
    with side.client() as client:
        for number in numbers:
            try:
                _call(client, "package_create", **_passport(side, f"{mark}-{number}", mark))
            except httpx.HTTPStatusError as error:
                failed.append(error.response.text)
                return


def _passport(side: Side, name: str, mark: str = "") -> dict[str, object]:
    """What the API is given: the same title, notes, tags and resources on both sides, ours with what its form demands."""
    title = _documents.titles()[hash(name) % len(_documents.titles())]
    given = {"name": f"{name}-{uuid.uuid4().hex[:6]}", "title": title, "notes": f"{title} {mark}", "owner_org": "bench-maker"}
    resources = [{"name": f"{title} {n}", "url": f"https://data.example.org/{name}/{n}", "format": "CSV"} for n in range(3)]
    return given | {"version": mark, "tags": [{"name": "made"}, {"name": "bench"}], "resources": resources}


def _found(client: httpx.Client, mark: str) -> int:
    given: dict[str, str | int] = {"q": f'version:"{mark}"', "rows": 0}
    return int(client.get("/api/3/action/package_search", params=given).raise_for_status().json()["result"]["count"])


def _call(client: httpx.Client, action: str, **given: object) -> None:
    client.post(f"/api/3/action/{action}", json=given).raise_for_status()
