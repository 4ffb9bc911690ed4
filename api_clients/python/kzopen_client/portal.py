"""A kzopen portal, as an agency's program uses it."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Literal
from uuid import uuid4

from kzopen_client.answers import Delivery, Finding, Version
from kzopen_client.bodies import body_of, table_of
from kzopen_client.calling import Calling
from kzopen_client.sending import Progress, send_in_parts

BASE = "/api/universal/v1"
LARGE = 8 << 20
"""Bytes from which on a body goes in parts."""
PAGE = 1000
LONGEST_WAIT = 10
"""Seconds that the portal is asked to wait before it answers that a delivery is still under way."""
Mode = Literal["replace", "append", "upsert", "delete"]


class Portal:
    """A portal at an address; `token` is needed to publish, `language` (kk, ru, en) is that of sentences."""

    def __init__(
        self, address: str, token: str | None = None, *, language: str = "en", timeout: float = 60.0, tries: int = 7
    ) -> None:
        self._calling = Calling(address, token, language, timeout, tries)

    def __enter__(self) -> Portal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._calling.close()

    def put_dataset(self, uri: str, passport: dict[str, Any]) -> dict[str, Any]:
        """Create a data set or change its passport."""
        return self._json("PUT", f"/datasets/{uri}", json=passport)

    def dataset(self, uri: str) -> dict[str, Any]:
        """The passport and the current version."""
        return self._json("GET", f"/datasets/{uri}")

    def versions(self, uri: str) -> list[Version]:
        """The versions, newest first."""
        return [Version.of(told) for told in self._json("GET", f"/datasets/{uri}/versions")["versions"]]

    def difference(self, uri: str, number: int, against: int | None = None) -> dict[str, Any]:
        """What a version changed, against the one before it or another one."""
        params = {"against": against} if against is not None else None
        return self._json("GET", f"/datasets/{uri}/versions/{number}/diff", params=params)

    def send(
        self,
        uri: str,
        rows: Any,
        *,
        mode: Mode = "replace",
        check: bool = False,
        publish_at: datetime | None = None,
        key: str | None = None,
        wait: float | None = 600.0,
        progress: Progress | None = None,
    ) -> Delivery:
        """Send a table and wait for what becomes of it, at most `wait` seconds (None: do not wait).

        `rows` is a path, bytes, a list of dicts, or a pandas or polars frame. `check`: the report alone, nothing is published.
        `key` is the Idempotency-Key, made up when none is given: however often it has to be tried, it is one delivery.
        Raises Refused when the check finds errors.
        """
        body, key = body_of(rows), key or uuid4().hex
        order = {
            "mode": mode,
            "check": "only" if check else None,
            "publish_at": publish_at.isoformat() if publish_at else None,
        }
        given = {name: value for name, value in order.items() if value is not None}
        if body.length > LARGE:
            whole = {"dataset": uri, "idempotency_key": key, **given}
            answer = send_in_parts(self._calling, BASE, whole, body, progress)
        else:
            digest = base64.b64encode(bytes.fromhex(body.sha256)).decode()
            headers = {"Idempotency-Key": key, "Content-Digest": f"sha-256=:{digest}:"}
            headers |= {"Content-Type": body.media_type} if body.media_type else {}
            with body.open() as file:
                content = file.read()
            path = f"{BASE}/datasets/{uri}/rows"
            answer = self._calling.call("POST", path, content=content, params=given, headers=headers)
        delivery = Delivery.of(answer.json())
        return delivery if wait is None else self.wait(delivery, wait)

    def delivery(self, number: str) -> Delivery:
        """Where a delivery stands."""
        return Delivery.of(self._json("GET", f"/deliveries/{number}"))

    def wait(self, delivery: Delivery, seconds: float = 600.0) -> Delivery:
        """The delivery once the portal has done with it; TimeoutError when that takes longer."""
        until, pause = time.monotonic() + seconds, 0.1
        while delivery.under_way:
            asked = time.monotonic()
            if asked > until:
                raise TimeoutError(f"delivery {delivery.id} is still {delivery.state}")
            # The portal answers as soon as it has done with the delivery, unless too many wait there already.
            prefer = {"Prefer": f"wait={int(min(LONGEST_WAIT, until - asked))}"}
            delivery = Delivery.of(self._json("GET", f"/deliveries/{delivery.id}", headers=prefer))
            if delivery.under_way:
                time.sleep(max(0.0, asked + pause - time.monotonic()))
                pause = min(pause * 1.5, 5.0)
        return delivery

    def report(self, number: str) -> Iterator[Finding]:
        """The findings of a delivery's check, page by page: all of them, or the first ones where the portal lists no more.

        It lists 100,000 at most, and 1,000 once the time of keeping of the delivery's bytes has ended; the delivery's `wrong`
        counts all errors.
        """
        offset = 0
        while True:
            page = self._json("GET", f"/deliveries/{number}/report", params={"offset": offset, "limit": PAGE})
            yield from (Finding.of(told) for told in page["findings"])
            offset += PAGE
            if not page["next"]:
                return

    def approve(self, number: str) -> Delivery:
        """Publish what waits for a decision."""
        return Delivery.of(self._json("POST", f"/deliveries/{number}/approve"))

    def refuse(self, number: str, reason: str) -> Delivery:
        """Say no to what waits, is planned or lies in quarantine."""
        return Delivery.of(self._json("POST", f"/deliveries/{number}/refuse", json={"reason": reason}))

    def release(self, number: str, reason: str) -> Delivery:
        """Let a delivery out of quarantine."""
        return Delivery.of(self._json("POST", f"/deliveries/{number}/release", json={"reason": reason}))

    def withdraw(self, uri: str, number: int, reason: dict[str, str], law: str = "") -> dict[str, Any]:
        """Take a version out of every place, with a reason in one to three languages; it cannot be undone."""
        body = {"reason": reason, "law": law}
        return self._json("POST", f"/datasets/{uri}/versions/{number}/withdraw", json=body)

    def read(self, uri: str, version: int | None = None, into: str = "polars") -> Any:
        """A table, the current version or a numbered one, as `polars`, `pandas`, `rows` or `bytes` (Parquet)."""
        name = uri if version is None else f"{uri}/v{version}"
        return table_of(self._calling.call("GET", f"/data/{name}.parquet").content, into)

    def _json(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._calling.call(method, f"{BASE}{path}", **given).json()
        return found
