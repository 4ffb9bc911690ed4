"""The two public interfaces that the loader speaks: the universal API, and CKAN's action API for organisations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urljoin

import httpx

TIMEOUT = 120.0
ATTEMPTS = 6
BUSY = {429, 502, 503, 504}
UNDER_WAY = {"received", "checking", "failed"}
LONGEST_WAIT = 600.0
UNIVERSAL = "/api/universal/v1"

Answer = dict[str, Any]


class Refused(Exception):
    """The portal said no: the sentence of its answer."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


class Api:
    """A portal at `url`, spoken to with an API token; may be used by several threads at once."""

    def __init__(self, url: str, token: str, language: str = "en") -> None:
        headers = {"Authorization": token, "Accept-Language": language}
        self._client = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()

    def action(self, name: str, /, **arguments: Any) -> Any:
        """The result of an action of CKAN; raises Refused."""
        return self._answer("POST", f"/api/3/action/{name}", json=arguments)["result"]

    def data_set(self, uri: str) -> Answer | None:
        """What is published under `uri`, or None."""
        try:
            return self._answer("GET", f"{UNIVERSAL}/datasets/{uri}")
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def put_data_set(self, uri: str, passport: Mapping[str, Any]) -> Answer:
        """Create or change the passport of `uri`; raises Refused."""
        return self._answer("PUT", f"{UNIVERSAL}/datasets/{uri}", json=passport)

    def post_rows(self, uri: str, body: bytes, media_type: str, key: str, name: str) -> Answer:
        """Replace the table of `uri`, wait for the delivery's end and return it; raises Refused.

        `name` is the file's, for people who look at the delivery.
        """
        headers = {"Content-Type": media_type, "Idempotency-Key": key}
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        delivery = self._answer("POST", f"{UNIVERSAL}/datasets/{uri}/rows", content=body, headers=headers)
        until, pause = time.monotonic() + LONGEST_WAIT, 0.2
        while delivery["state"] in UNDER_WAY:
            if time.monotonic() > until:
                raise Refused(0, f"the delivery is still {delivery['state']} after {LONGEST_WAIT:.0f} s: {delivery['error']}")
            time.sleep(pause)
            pause = min(pause * 1.5, 3)
            delivery = self.delivery(delivery["id"])
        return delivery

    def delivery(self, number: str) -> Answer:
        """A delivery as it stands now; raises Refused."""
        return self._answer("GET", f"{UNIVERSAL}/deliveries/{number}")

    def findings(self, number: str) -> list[str]:
        """The first sentences of a delivery's report."""
        return first_findings(self._answer("GET", f"{UNIVERSAL}/deliveries/{number}/report"))

    def _answer(self, method: str, path: str, **arguments: Any) -> Answer:
        response = self._patiently(method, path, **arguments)
        if response.is_error:
            raise Refused(response.status_code, sentence_of(response))
        found: Answer = response.json()
        return found

    def _patiently(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """The response; waits and asks again while the portal is busy or starting. All our requests may be repeated."""
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                response = self._client.request(method, path, **arguments)
            except httpx.TransportError as error:
                if last:
                    raise Refused(0, f"no answer from {urljoin(str(self._client.base_url), path)}: {error}") from error
                time.sleep(2**attempt / 4)
                continue
            if response.status_code not in BUSY or last:
                break
            time.sleep(_wait(response, 2**attempt / 4))
        return response


def _wait(response: httpx.Response, otherwise: float) -> float:
    """Seconds that the portal asks us to wait, at most a minute."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), 60.0) if asked.isdigit() else otherwise


def sentence_of(response: httpx.Response) -> str:
    """What an answer says is wrong: a problem object's sentence, an action's error, or the status."""
    try:
        answer = response.json()
    except ValueError:
        return f"{response.status_code} {response.reason_phrase}"
    if "error" in answer:
        error = {key: value for key, value in answer["error"].items() if key != "__type"}
        if error.keys() == {"message", "code"}:
            return " ".join(error["message"])
        return "; ".join(f"{key}: {value}" for key, value in error.items())
    said = str(answer.get("detail") or answer.get("title") or response.status_code)
    return " ".join([said, *first_findings(answer["report"])]) if "report" in answer else said


def first_findings(report: Answer, limit: int = 3) -> list[str]:
    """The first sentences of a report, and how many there are in all."""
    sentences = [finding["sentence"] for finding in report["findings"][:limit]]
    return [*sentences, f"({report['errors']} in all)"] if report["errors"] > limit else sentences
