"""Those who publish while processes die: each sends until it is answered, always with the same key, and knows its rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.conftest import NO_TLS, LivePortal

API = "/api/universal/v1"
MODES = ("replace", "upsert", "delete", "append")
ANSWERED_WITHIN = 180.0
DECIDED_WITHIN = 120.0
SCHEMA = {"fields": [{"name": "code", "type": "string"}, {"name": "amount", "type": "integer"}], "primaryKey": ["code"]}
Rows = dict[str, int]


@dataclass(frozen=True)
class Sending:
    """What is sent under one key."""

    key: str
    mode: str
    rows: Mapping[str, int]

    def body(self) -> str:
        """The rows as CSV; to delete, their keys."""
        if self.mode == "delete":
            return "code\n" + "".join(f"{code}\n" for code in self.rows)
        return "code,amount\n" + "".join(f"{code},{amount}\n" for code, amount in self.rows.items())

    def after(self, before: Rows) -> Rows:
        """The table's rows when it is published."""
        if self.mode == "replace":
            return dict(self.rows)
        if self.mode == "delete":
            return {code: amount for code, amount in before.items() if code not in self.rows}
        return before | dict(self.rows)


@dataclass
class Publisher:
    """Sends one thing after the other to one table; `acknowledged` are the numbers of the deliveries, in the order of sending.

    `lost` counts sendings that had to be repeated because the answer never came, or was that of a portal in pieces;
    `replayed` those of them that had arrived before.
    """

    portal: LivePortal
    uri: str
    pause: float = 0.2
    sendings: list[Sending] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    mark: str = ""
    former: list[str] = field(default_factory=list)
    lost: int = 0
    replayed: int = 0

    def publish(self, stop: threading.Event) -> None:
        """Until told to stop; what was begun is brought to its answer."""
        while not stop.is_set():
            number = len(self.sendings) + 1
            self.deliver(self.next(number))
            if number % 7 == 0:
                self.describe(f"belgi{self.uri.replace('-', '')}x{number}")
            time.sleep(self.pause)

    def next(self, number: int) -> Sending:
        """All modes by turns; a replacement has more rows than the table had, for a loss would wait for a person."""
        mode, key = MODES[(number - 1) % len(MODES)], f"{self.uri}-{number}"
        if mode == "replace":
            return Sending(key, mode, {f"{n:05d}": n * number for n in range(10 + 2 * number)})
        if mode == "delete":
            return Sending(key, mode, {"00003": 0})
        fresh = {f"{mode[0]}{number:05d}": number}
        return Sending(key, mode, fresh if mode == "append" else {"00001": -number, **fresh})

    def deliver(self, sending: Sending) -> None:
        """Send until there is an answer; its number is noted."""
        headers = {"Idempotency-Key": sending.key, "Content-Type": "text/csv"}
        path = f"{API}/datasets/{self.uri}/rows?mode={sending.mode}"
        self.sendings.append(sending)
        answer = self.insist("POST", path, content=sending.body(), headers=headers)
        assert answer.status_code in (200, 202), f"{sending.key}: {answer.status_code} {answer.text}"
        self.acknowledged.append(str(answer.json()["id"]))

    def describe(self, mark: str) -> None:
        """Give the passport a title with a word that no other one has."""
        answer = self.insist("PUT", f"{API}/datasets/{self.uri}", json=passport(mark))
        assert answer.status_code in (200, 201), answer.text
        if self.mark:
            self.former.append(self.mark)
        self.mark = mark

    def insist(self, method: str, path: str, headers: Mapping[str, str] | None = None, **given: Any) -> httpx.Response:
        """Ask until the portal answers; a broken connection and a 5xx are answers that were lost."""
        until, tries = time.monotonic() + ANSWERED_WITHIN, 0
        while True:
            try:
                token = {"Authorization": self.portal.accounts["operator"]["token"]}
                answer = httpx.request(
                    method, self.portal.url + path, headers={**(headers or {}), **token}, timeout=30, verify=NO_TLS, **given
                )
            except httpx.HTTPError as error:
                said = type(error).__name__
            else:
                if answer.status_code < 500:
                    self.lost += tries
                    self.replayed += bool(tries) and "Idempotent-Replayed" in answer.headers
                    return answer
                said = f"{answer.status_code} {answer.text}"
            tries += 1
            assert time.monotonic() < until, f"{path} is not answered: {said}"
            time.sleep(0.3)

    def rows_after(self, number: int) -> Rows:
        """What version `number` must hold."""
        found: Rows = {}
        for sending in self.sendings[:number]:
            found = sending.after(found)
        return found


@dataclass
class Upserter(Publisher):
    """Changes one large table by few rows at a time, after each of which the worker folds."""

    large: int = 20_000

    def next(self, number: int) -> Sending:
        """First the table, then changes of two rows that are there and one that is new."""
        if number == 1:
            return Sending(f"{self.uri}-1", "replace", {f"{n:05d}": n for n in range(self.large)})
        changed = {f"9{number:05d}": 1, f"{number:05d}": -1, f"{number + 7:05d}": number}
        return Sending(f"{self.uri}-{number}", "upsert", changed)


def passport(mark: str) -> dict[str, Any]:
    """A passport whose title holds the word."""
    return {
        "title": {"kk": f"Сынақ кестесі {mark}", "ru": f"Проверочная таблица {mark}"},
        "description": {"kk": "Ақауларды сынау", "ru": "Проверка отказов"},
        "owner": "faults",
        "category": "statistics",
        "periodicity": "AS_NEEDED",
        "schema": SCHEMA,
    }


def register(portal: LivePortal, uris: Iterable[str], mark: str = "bastapqy") -> None:
    """An agency, and a passport for each address."""
    headers = {"Authorization": portal.accounts["operator"]["token"]}
    with httpx.Client(base_url=portal.url, headers=headers, timeout=60) as client:
        client.post("/api/3/action/organization_create", json={"name": "faults"}).raise_for_status()
        for uri in uris:
            client.put(f"{API}/datasets/{uri}", json=passport(mark)).raise_for_status()


def final_state(portal: LivePortal, delivery: str) -> str:
    """The state of an acknowledged delivery once it is decided."""
    headers, until = {"Authorization": portal.accounts["operator"]["token"]}, time.monotonic() + DECIDED_WITHIN
    while True:
        answer = httpx.get(f"{portal.url}{API}/deliveries/{delivery}", headers=headers, timeout=30, verify=NO_TLS)
        assert answer.status_code == 200, f"acknowledged delivery {delivery} is lost: {answer.text}"
        state = str(answer.json()["state"])
        if state not in ("received", "checking", "failed"):
            return state
        assert time.monotonic() < until, f"delivery {delivery} is still {state}"
        time.sleep(0.5)
