"""Order and idempotency on a live portal, with many senders at once; `./kzopen test faults` sends 200 times."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest

from tests.conftest import LivePortal
from tests.faults import killing

SENDINGS = int(os.environ.get("KZOPEN_FAULT_SENDINGS", "32"))
TABLES = SENDINGS // 4 if SENDINGS < 80 else 20
FIELDS = [{"name": "code", "type": "string"}, {"name": "amount", "type": "integer"}]
LARGE, UPSERTS = 20_000, SENDINGS // 2
NOT_SMALL = 1 << 20
"""Bytes of a body whose sender does not wait for the decision."""
LOCK = "SELECT pg_advisory_lock(hashtextextended('kzopen.dataset:' || %s, 0))"


@pytest.fixture(scope="module")
def client(live_portal: LivePortal) -> httpx.Client:
    headers = {"Authorization": live_portal.accounts["operator"]["token"], "Accept-Language": "en"}
    return httpx.Client(base_url=f"{live_portal.url}/api/universal/v1", headers=headers, timeout=300)


def made(client: httpx.Client, mark: str) -> str:
    passport = {
        "title": {"kk": "Сынақ", "ru": "Проверка"},
        "description": {"kk": "Сынақ", "ru": "Проверка"},
        "owner": "demo-kolbulak",
        "category": "statistics",
        "periodicity": "CONTINUOUS",
        "schema": {"fields": FIELDS, "primaryKey": ["code"]},
    }
    client.put(f"/datasets/many-{mark}", json=passport).raise_for_status()
    return f"many-{mark}"


def sent(client: httpx.Client, uri: str, body: str, key: str | None = None) -> str:
    """The number of the delivery, once it is decided."""
    headers = {"Content-Type": "text/csv"} | ({"Idempotency-Key": key} if key else {})
    answer = client.post(f"/datasets/{uri}/rows?mode=upsert", content=body, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["id"])


def sent_on(client: httpx.Client, uri: str, rows: Mapping[str, int]) -> str:
    """The number of a delivery that is acknowledged at once: its body is large, if only of blanks."""
    body = json.dumps([{"code": code, "amount": amount} for code, amount in rows.items()]).ljust(NOT_SMALL + 1)
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"/datasets/{uri}/rows?mode=upsert", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@contextmanager
def held(portal: LivePortal, uri: str) -> Iterator[None]:
    """Until the end of the block whoever publishes to the data set stops where the worker asks for it alone."""
    with killing.database(portal) as connection:
        (package,) = connection.execute("SELECT id FROM package WHERE name = %s", [uri]).fetchone() or ("",)
        connection.execute(LOCK, [package])
        yield


def state(client: httpx.Client, number: str) -> str:
    return str(client.get(f"/deliveries/{number}").json()["state"])


def wait_until_checking(client: httpx.Client, number: str) -> None:
    until = time.monotonic() + 60
    while (told := state(client, number)) != "checking":
        assert time.monotonic() < until, told
        time.sleep(0.1)


def settled(client: httpx.Client, number: str) -> None:
    until = time.monotonic() + 600
    while (told := client.get(f"/deliveries/{number}").json())["settled"] is None:
        assert time.monotonic() < until, told
        time.sleep(0.5)


def rows_of(client: httpx.Client, uri: str) -> dict[str, str]:
    portal = str(client.base_url).split("/api/")[0]
    told = httpx.get(f"{portal}/data/{uri}.csv", timeout=60)
    return {row["code"]: row["amount"] for row in csv.DictReader(io.StringIO(told.content.decode("utf-8-sig")))}


def test_parallel_upserts_end_with_exactly_the_rows_sent(client: httpx.Client) -> None:
    mark, choice = uuid4().hex[:8], random.Random(20)
    uris = [made(client, f"{mark}-{number}") for number in range(TABLES)]
    expected: dict[str, dict[str, str]] = {uri: {} for uri in uris}
    sendings = []
    for number in range(SENDINGS):
        uri = uris[number % TABLES]
        rows = {f"{number:03d}-{n}": str(choice.randrange(1000)) for n in range(5)}
        expected[uri] |= rows
        sendings.append((uri, csv_of(rows)))
    choice.shuffle(sendings)

    with ThreadPoolExecutor(SENDINGS) as pool:
        numbers = list(pool.map(lambda one: sent(client, *one), sendings))
    for number in numbers:
        settled(client, number)

    assert len(set(numbers)) == SENDINGS
    assert {uri: rows_of(client, uri) for uri in uris} == expected
    newest = [client.get(f"/datasets/{uri}").json()["version"]["number"] for uri in uris]
    assert newest == [SENDINGS // TABLES] * TABLES


def test_deliveries_to_one_table_are_made_in_the_order_in_which_they_were_acknowledged(
    client: httpx.Client, live_portal: LivePortal
) -> None:
    uri = made(client, uuid4().hex[:8])
    with held(live_portal, uri):
        numbers = [sent_on(client, uri, {"a": value}) for value in range(10)]
        wait_until_checking(client, numbers[0])
        time.sleep(1)  # in which a worker that has a place free would begin with the next
        assert [state(client, number) for number in numbers] == ["checking", *["received"] * 9]
    for number in numbers:
        settled(client, number)

    assert rows_of(client, uri) == {"a": "9"}
    assert [client.get(f"/deliveries/{number}").json()["version"]["number"] for number in numbers] == list(range(1, 11))


def test_a_delivery_that_takes_long_holds_no_other_table_up(client: httpx.Client, live_portal: LivePortal) -> None:
    mark = uuid4().hex[:8]
    slow, quick = made(client, f"{mark}-slow"), made(client, f"{mark}-quick")
    with held(live_portal, slow):
        first = sent_on(client, slow, {"a": 1})
        wait_until_checking(client, first)
        settled(client, sent(client, quick, "code,amount\nb,2\n"))
        assert rows_of(client, quick) == {"b": "2"}
        assert state(client, first) == "checking"
    settled(client, first)

    assert rows_of(client, slow) == {"a": "1"}


def test_parallel_upserts_to_one_large_table_end_with_exactly_the_rows_sent(client: httpx.Client) -> None:
    uri, choice = made(client, uuid4().hex[:8]), random.Random(6)
    expected = {f"{code:05d}": str(code) for code in range(LARGE)}
    settled(client, sent(client, uri, csv_of(expected)))
    places = choice.sample(sorted(expected), UPSERTS * 20)
    sendings = [
        {code: str(-number) for code in places[20 * number : 20 * (number + 1)]} | {f"9{number:04d}": "1"}
        for number in range(UPSERTS)
    ]

    with ThreadPoolExecutor(UPSERTS) as pool:
        numbers = list(pool.map(lambda rows: sent(client, uri, csv_of(rows)), sendings))
    for number in numbers:
        settled(client, number)

    for rows in sendings:
        expected |= rows
    assert rows_of(client, uri) == expected
    told = [client.get(f"/deliveries/{number}").json() for number in numbers]
    assert [(one["added"], one["changed"], one["unchanged"]) for one in told] == [(1, 20, one["unchanged"]) for one in told]
    assert sorted(one["version"]["number"] for one in told) == list(range(2, UPSERTS + 2))
    assert all(one["version"]["parent"] == one["version"]["number"] - 1 for one in told), "not every upsert is a change"


def csv_of(rows: Mapping[str, str]) -> str:
    return "code,amount\n" + "".join(f"{code},{amount}\n" for code, amount in rows.items())


def test_one_key_sent_twenty_times_at_once_is_one_delivery(client: httpx.Client) -> None:
    uri, key = made(client, uuid4().hex[:8]), uuid4().hex

    with ThreadPoolExecutor(20) as pool:
        numbers = set(pool.map(lambda _: sent(client, uri, "code,amount\na,1\n", key), range(20)))

    assert len(numbers) == 1
    settled(client, numbers.pop())
    assert client.get(f"/datasets/{uri}").json()["version"]["number"] == 1
    other = client.post(f"/datasets/{uri}/rows?mode=upsert", content="code,amount\nb,1\n", headers={"Idempotency-Key": key})
    assert (other.status_code, other.json()["code"]) == (409, "publishing.key_reused")
