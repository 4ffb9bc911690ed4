"""Clients that change data sets of a running portal and remember what it acknowledged; readers of its pages."""

from __future__ import annotations

import random
import threading
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx

from tests.conftest import LivePortal, run_launcher

OWNER = "faults"
NEW = 0.05
"""Share of changes that make a new data set."""
FOUND_WITHIN = 120
SEARCH = "/search?q={name}"
PAGES = (
    *("/", "/dataset/", "/dataset/{name}", f"/organization/{OWNER}", SEARCH, "/feeds/dataset.atom"),
    *("/api/3/action/package_search?q={name}", "/api/3/action/package_show?id={name}", "/api/universal/v1/datasets/{name}"),
)


class Changing(threading.Thread):
    """Changes data sets that no other client touches; after each change the title has a word that no other title ever had.

    `acknowledged` holds the newest word of each data set that the portal answered for, or that a look showed after the answer
    was lost; `lost` counts such answers, `refused` tells what was answered otherwise.
    """

    def __init__(self, portal: LivePortal, name: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.prefix, self.ended, self.choice = name, stop, random.Random(name)
        self.headers = {"Authorization": portal.accounts["operator"]["token"]}
        self.client = httpx.Client(base_url=portal.url, headers=self.headers, timeout=60)
        self.acknowledged: dict[str, str] = {}
        self.refused: list[str] = []
        self.made, self.lost, self.slowest = 0, 0, 0.0

    def run(self) -> None:
        """One change after the other until told to stop, or refused."""
        while not (self.ended.is_set() or self.refused):
            known = list(self.acknowledged)
            new = not known or self.choice.random() < NEW
            name = f"{self.prefix}n{len(known)}" if new else self.choice.choice(known)
            began = time.monotonic()
            self.change(name, f"{name}v{self.made}", new)
            self.slowest = max(self.slowest, time.monotonic() - began)

    def change(self, name: str, word: str, new: bool) -> None:
        """Ask; whoever loses the answer looks whether it happened, and asks again only if it did not."""
        unsure = False
        while not self.refused:
            try:
                answer = self.ask(name, word, new)
                if answer.is_success or (unsure and self.shows(name, word)):
                    self.acknowledged[name] = word
                    self.made += 1
                    return
                self.refused.append(f"{name}: {answer.status_code} {answer.text[:300]}")
            except httpx.HTTPError:
                self.lost += not unsure
                unsure = True
                time.sleep(0.1)

    @abstractmethod
    def ask(self, name: str, word: str, new: bool) -> httpx.Response:
        """Send one change."""

    @abstractmethod
    def shows(self, name: str, word: str) -> bool:
        """Whether the portal has it."""


class ThroughActions(Changing):
    """CKAN's API: package_create and package_patch."""

    def ask(self, name: str, word: str, new: bool) -> httpx.Response:
        title = f"Table {word}"
        if new:
            return self.client.post("/api/3/action/package_create", json={"name": name, "title": title, "owner_org": OWNER})
        return self.client.post("/api/3/action/package_patch", json={"id": name, "title": title})

    def shows(self, name: str, word: str) -> bool:
        return word in self.client.get("/api/3/action/package_show", params={"id": name}).text


class ThroughPassports(Changing):
    """The universal API: the passport is put whole, whether it is new or not."""

    def ask(self, name: str, word: str, new: bool) -> httpx.Response:
        passport: dict[str, Any] = {
            "title": {"kk": f"Кесте {word}", "ru": f"Таблица {word}"},
            "description": {"kk": "Ақауларды сынау", "ru": "Проверка отказов"},
            "owner": OWNER,
            "category": "statistics",
            "periodicity": "AS_NEEDED",
            "schema": {"fields": [{"name": "code", "type": "string"}]},
        }
        return self.client.put(f"/api/universal/v1/datasets/{name}", json=passport)

    def shows(self, name: str, word: str) -> bool:
        return word in self.client.get(f"/api/universal/v1/datasets/{name}").text


class Reading(threading.Thread):
    """Reads one page after the other and counts the answers by page and status; a broken connection is no answer."""

    def __init__(self, portal: LivePortal, name: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.name_read, self.ended, self.statuses = name, stop, Counter[tuple[str, int]]()
        self.client = httpx.Client(base_url=portal.url, timeout=60)

    def run(self) -> None:
        """Until told to stop."""
        while not self.ended.is_set():
            for page in PAGES:
                try:
                    answer = self.client.get(page.format(name=self.name_read))
                except httpx.HTTPError:
                    time.sleep(0.1)
                    continue
                self.statuses[page, answer.status_code] += 1


class Crowd:
    """Clients and readers of one portal."""

    def __init__(self, portal: LivePortal, clients: int = 6, readers: int = 2) -> None:
        self.portal, self.ended = portal, threading.Event()
        headers = {"Authorization": portal.accounts["operator"]["token"]}
        address = f"{portal.url}/api/3/action/organization_create"
        httpx.post(address, json={"name": OWNER}, headers=headers, timeout=60).raise_for_status()
        kinds = [ThroughPassports if number % 3 == 2 else ThroughActions for number in range(clients)]
        self.clients: Sequence[Changing] = [kind(portal, f"c{n}", self.ended) for n, kind in enumerate(kinds)]
        for client in self.clients:
            client.change(f"{client.prefix}n0", f"{client.prefix}n0v0", new=True)
        name = next(one.prefix for one in self.clients if isinstance(one, ThroughPassports)) + "n0"  # both APIs know it
        self.readers = [Reading(portal, name, self.ended) for _ in range(readers)]

    def __enter__(self) -> Crowd:
        for one in (*self.clients, *self.readers):
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        until = time.monotonic() + 90
        for one in (*self.clients, *self.readers):
            one.join(max(0.0, until - time.monotonic()))

    @property
    def made(self) -> int:
        """Changes that the portal answered for so far."""
        return sum(client.made for client in self.clients)

    @property
    def lost(self) -> int:
        """Changes whose first answer never came."""
        return sum(client.lost for client in self.clients)

    def wait_for_changes(self, count: int) -> None:
        """Until so many more were made; two minutes without one are too many."""
        wanted, made, until = self.made + count, self.made, time.monotonic() + 120
        while self.made < wanted:
            assert not self.refused(), self.refused()
            if self.made > made:
                made, until = self.made, time.monotonic() + 120
            assert time.monotonic() < until, "nothing changes any more"
            time.sleep(0.01)

    def wait_for_search(self, status: int, seconds: float = 90) -> None:
        """Until the page of search was answered with this status once more."""
        asked, until = (SEARCH, status), time.monotonic() + seconds
        before = self.answers()[asked]
        while self.answers()[asked] == before:
            assert not self.refused(), self.refused()
            assert time.monotonic() < until, f"no {status} from {SEARCH}: {dict(self.answers())}"
            time.sleep(0.05)

    def refused(self) -> list[str]:
        """Changes that were answered with anything but success."""
        return [told for client in self.clients for told in client.refused]

    def answers(self) -> Counter[tuple[str, int]]:
        """How often each page was answered with which status."""
        return sum((Counter(reader.statuses) for reader in self.readers), Counter())

    def not_found(self) -> list[str]:
        """Acknowledged data sets that a search for their newest word does not find, when it was asked for long enough."""
        wanted = {name: word for client in self.clients for name, word in client.acknowledged.items()}
        until = time.monotonic() + FOUND_WITHIN
        with httpx.Client(base_url=self.portal.url, timeout=60) as client:
            while wanted:
                name, word = next(iter(wanted.items()))
                answer = client.get("/api/3/action/package_search", params={"q": f'"{word}"', "fl": "name"})
                if answer.is_success and [row["name"] for row in answer.json()["result"]["results"]] == [name]:
                    del wanted[name]
                elif time.monotonic() < until:
                    time.sleep(0.2)
                else:
                    break
        return list(wanted.values())


def assert_nothing_is_out_of_step(crowd: Crowd) -> None:
    """What was acknowledged is found, and neither the index's own check nor the doctor has anything to mend."""
    data = str(crowd.portal.data)
    told = [*crowd.refused(), *(f"{name} is not found" for name in crowd.not_found())]
    assert not told, told
    for command, good in ((("search", "check"), "in step"), (("doctor",), "all is well")):
        said = run_launcher(*command, "--data", data)
        assert good in said, said
