"""A table that an information system sends and then changes again and again, and those who read it meanwhile.

Each row tells the version that wrote it, and each change writes rows in every part of the table: whatever is read shows by
its newest row which version it claims to be, and is compared with that one as a whole.
"""

from __future__ import annotations

import io
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import httpx
import polars as pl
from ckanext.kzopen.core.people.systems import keeping, tokens
from ckanext.kzopen.core.people.systems.described import Described
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests.conftest import NO_TLS, LivePortal
from tests.publishing.conftest import BASE, UNDER_WAY

LOT = 20_000
"""Rows of the table that stand together and are asked for together; DataStore gives no more than MOST at once."""
MOST = 32_000
CHANGED, ADDED = 100, 10
TYPES = {"code": pl.String, "lot": pl.Int64, "version": pl.Int64}
SCHEMA = {
    "fields": [
        {"name": "code", "type": "string"},
        {"name": "lot", "type": "integer", "indexed": True},
        {"name": "version", "type": "integer"},
    ],
    "primaryKey": ["code"],
}
DECIDED_WITHIN = 600
LOOKED_EVERY = 0.2


@dataclass(frozen=True)
class Story:
    """A table of `rows` rows, and `changes` changes: each writes CHANGED rows again and brings ADDED new ones."""

    rows: int
    changes: int

    @property
    def versions(self) -> int:
        """How many versions there are in the end."""
        return 1 + self.changes

    def height(self, number: int) -> int:
        """How many rows version `number` has."""
        return self.rows + ADDED * (number - 1)

    def written(self, number: int) -> list[int]:
        """Places of the rows that version `number` writes, from 0: some in each lot, some written before by an earlier one."""
        step = self.rows // CHANGED
        return [*range(number % 5, self.rows, step), *range(self.height(number - 1), self.height(number))]

    def table(self, number: int) -> pl.DataFrame:
        """The whole of version `number`, in the order of its rows."""
        versions = [1] * self.height(number)
        for change in range(2, number + 1):
            for place in self.written(change):
                versions[place] = change
        return self._blank.head(len(versions)).with_columns(version=pl.Series(versions, dtype=pl.Int64))

    def body(self, number: int) -> bytes:
        """What is sent to make version `number`, as CSV: the first one whole."""
        table = self.table(number)
        return (table if number == 1 else table[self.written(number)]).write_csv().encode()

    @cached_property
    def _blank(self) -> pl.DataFrame:
        place = pl.int_range(self.height(self.versions), eager=True)
        return pl.DataFrame({"code": place.cast(pl.String).str.zfill(7), "lot": place // LOT})


@dataclass
class System:
    """An information system and its data set: `sent` is the newest version on its way, `told` the last that it knows of."""

    portal: LivePortal
    story: Story
    uri: str
    sent: int = 0
    told: int = 0
    checksums: dict[int, str] = field(default_factory=dict)

    def publish(self, agency: str, stop: threading.Event) -> None:
        """The passport, the table, then change after change, each once the one before is shown everywhere; until told to
        stop."""
        given = self.portal.accounts["operator"]["token"]
        with httpx.Client(base_url=self.portal.url, headers={"Authorization": given}, verify=NO_TLS, timeout=60) as operator:
            made = operator.post("/api/3/action/organization_create", json={"name": agency}).raise_for_status().json()
        headers = {"Authorization": f"Bearer {token_of(self.portal, made['result']['id'])}"}
        with httpx.Client(base_url=self.portal.url + BASE, headers=headers, verify=NO_TLS, timeout=600) as client:
            assert client.put(f"/datasets/{self.uri}", json=passport(agency)).status_code == 201
            for number in range(1, self.story.versions + 1):
                if stop.is_set():
                    return
                self.sent = number
                self._deliver(client, number)
                self.told = number

    def _deliver(self, client: httpx.Client, number: int) -> None:
        """Send what makes version `number`, and wait until it is shown."""
        mode = "replace" if number == 1 else "upsert"
        answer = client.post(
            f"/datasets/{self.uri}/rows?mode={mode}",
            content=self.story.body(number),
            headers={"Content-Type": "text/csv", "Idempotency-Key": f"{self.uri}-{number}"},
        )
        told, until = answer.json(), time.monotonic() + DECIDED_WITHIN
        while told.get("settled") is None:
            assert told.get("state") in (*UNDER_WAY, "accepted"), told
            assert time.monotonic() < until, told
            time.sleep(LOOKED_EVERY)
            told = client.get(f"/deliveries/{told['id']}").json()
        version = told["version"]
        assert (version["number"], version["rows"]) == (number, self.story.height(number))
        self.checksums[number] = version["sha256"]


def token_of(portal: LivePortal, agency_id: str) -> str:
    """A token of an information system that is registered for this agency."""
    described = Described(name="Тізілім", bin="000140000012", contact="Бөлім", email="data@example.org", datasets=None)
    engine = create_engine(socket_url("kzopen", "kzopen", Portal(Settings(data=portal.data)).sockets))
    with Session(engine) as session:
        system = keeping.register(session, agency_id, described, "system:tests")
        wish = tokens.Wish(datetime.now(UTC) + timedelta(days=1))
        _, secret = tokens.issue(session, system, wish, "system:tests")
        session.commit()
    engine.dispose()
    return secret


def passport(agency: str) -> dict[str, Any]:
    """What the system tells of its data set."""
    return {
        "title": {"kk": "Төлемдер тізілімі", "ru": "Реестр платежей"},
        "description": {"kk": "Төлемдер туралы мәліметтер", "ru": "Сведения о платежах"},
        "owner": agency,
        "category": "statistics",
        "periodicity": "CONTINUOUS",
        "schema": SCHEMA,
    }


@dataclass
class Reader:
    """Somebody who asks one interface again and again: `look` gives the number of the version that the answer is, as a whole.

    `seen` are these numbers in their order. An answer may be no older than the last one, nor than what the sender knew to be
    shown when it was asked for, and no newer than what is on its way.
    """

    name: str
    system: System
    look: Callable[[Reader], int]
    seen: list[int] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def read(self, stop: threading.Event) -> None:
        """Until told to stop, from version 1 on, and once more then."""
        with httpx.Client(base_url=self.system.portal.url, verify=NO_TLS, timeout=300) as self.client:
            stopped = False
            while not stopped:
                stopped = stop.wait(0.02)
                if self.system.told:
                    floor = self.floor
                    found = self.look(self)
                    assert floor <= found <= self.system.sent, f"{self.name}: version {found}, {floor} was there before"
                    self.seen.append(found)

    @property
    def floor(self) -> int:
        """The oldest version that may be told now."""
        return max([self.system.told, *self.seen[-1:]])

    def get(self, path: str, **asked: Any) -> httpx.Response:
        """An answer, which must not be an error."""
        answer = self.client.get(path, params=asked)
        assert answer.status_code == 200, f"{self.name}: {answer.status_code} {answer.text[:300]}"
        return answer

    def whole(self, rows: pl.DataFrame, of: Callable[[pl.DataFrame], pl.DataFrame] = lambda table: table) -> int:
        """The number of the version that these rows are, or of which they are a part; AssertionError where they are none."""
        number = int(rows["version"].max() or 0)  # type: ignore[arg-type]
        wanted = of(self.system.story.table(number))
        assert rows.equals(wanted), f"{self.name}: {different(rows, wanted)} rows are not those of version {number}"
        return number


def different(rows: pl.DataFrame, wanted: pl.DataFrame) -> int:
    """How many rows two tables do not share."""
    return rows.join(wanted, on=wanted.columns, how="anti").height + wanted.join(rows, on=wanted.columns, how="anti").height


def universal_api(reader: Reader) -> int:
    """What the universal API tells of the current version: number, rows and checksum are of one."""
    told = reader.get(f"{BASE}/datasets/{reader.system.uri}").json()["version"]
    assert told["rows"] == reader.system.story.height(told["number"]), told
    assert told["sha256"] == reader.system.checksums.get(told["number"], told["sha256"]), told
    return int(told["number"])


def download(reader: Reader) -> int:
    """The CSV of the current version."""
    return reader.whole(of_csv(reader.get(f"/data/{reader.system.uri}.csv", raw=1).content))


def numbered(reader: Reader) -> int:
    """The files of any version: each is that one, and one that the sender knows of is there. Tells the newest version."""
    there, asked = reader.system.told, reader.chance.randint(1, min(reader.system.told + 1, reader.system.story.versions))
    ending = reader.chance.choice(["csv", "parquet"])
    answer = reader.client.get(f"/data/{reader.system.uri}/v{asked}.{ending}", params={"raw": 1})
    if asked > there and answer.status_code == 404:
        return max(there, reader.floor)
    assert answer.status_code == 200, f"version {asked}: {answer.status_code} {answer.text[:300]}"
    rows = of_csv(answer.content) if ending == "csv" else pl.read_parquet(io.BytesIO(answer.content))
    assert reader.whole(rows) == asked, f"{reader.name}: version {asked} was asked for"
    return max(asked, there, reader.floor)


def datastore(reader: Reader) -> int:
    """The first rows of DataStore's table, and how many there are."""
    return _searched(reader, lambda table: table.head(MOST), lambda table: table.height)


def datastore_by_value(reader: Reader) -> int:
    """The rows of one lot in DataStore's table, and how many there are."""
    lot = reader.chance.randrange(reader.system.story.rows // LOT)
    chosen = pl.col("lot") == lot
    return _searched(
        reader, lambda table: table.filter(chosen), lambda table: table.filter(chosen).height, filters=json.dumps({"lot": lot})
    )


def _searched(
    reader: Reader, part: Callable[[pl.DataFrame], pl.DataFrame], count: Callable[[pl.DataFrame], int], **asked: Any
) -> int:
    uri = reader.system.uri
    resource = reader.get("/api/3/action/package_show", id=uri).json()["result"]["resources"][0]["id"]
    told = reader.get("/api/3/action/datastore_search", resource_id=resource, limit=MOST, sort="_id", **asked).json()["result"]
    rows = pl.DataFrame(told["records"], schema={"_id": pl.Int64, **TYPES})
    number = reader.whole(rows.drop("_id"), part)
    wanted = count(reader.system.story.table(number))
    assert told["total"] == wanted, f"{reader.name}: rows of version {number}, and a total of {told['total']}, not {wanted}"
    return number


def of_csv(body: bytes) -> pl.DataFrame:
    """A downloaded table."""
    return pl.read_csv(body, schema=TYPES)
