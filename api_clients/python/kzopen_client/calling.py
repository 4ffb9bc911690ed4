"""Requests that are made again when the way to the portal fails, or when it asks to come later."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from kzopen_client.errors import Problem, Refused, Unreachable

AGAIN = (408, 429, 500, 502, 503, 504)
LONGEST_PAUSE = 60.0
Content = bytes | Callable[[], Any] | None
"""Bytes, or a function that gives the content anew for each try."""


class Calling:
    """One connection to a portal. Only requests that may come twice are made again: all of ours may."""

    def __init__(self, address: str, token: str | None, language: str, timeout: float, tries: int) -> None:
        headers = {"Accept-Language": language, "User-Agent": "kzopen-client/0.1"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.address = address.rstrip("/")
        self._tries = tries
        self._http = httpx.Client(base_url=self.address, headers=headers, timeout=timeout, follow_redirects=True)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        content: Content = None,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> httpx.Response:
        """The answer to a request; raises Problem, Refused or Unreachable. `once`: a failure on the way is not mended here."""
        last: Exception | None = None
        for attempt in range(1 if once else self._tries):
            if attempt:
                time.sleep(_pause(attempt, last))
            try:
                given = content() if callable(content) else content
                answer = self._http.request(method, path, content=given, json=json, params=params, headers=headers)
            except httpx.TransportError as error:
                last = error
                continue
            if answer.status_code < 400:
                return answer
            last = problem_of(answer)
            if answer.status_code not in AGAIN:
                raise last
        if isinstance(last, Problem):
            raise last
        raise Unreachable(f"{method} {self.address}{path}: {last}") from last


def problem_of(answer: httpx.Response) -> Problem:
    """The answer as an exception."""
    try:
        body = answer.json()
    except ValueError:
        body = {"detail": answer.text[:500]}
    body = body if isinstance(body, dict) else {"detail": str(body)[:500]}
    body["retry_after"] = answer.headers.get("Retry-After")
    refused = body.get("code") == "publishing.refused" and "report" in body
    return (Refused if refused else Problem)(answer.status_code, body)


def _pause(attempt: int, last: Exception | None) -> float:
    """Seconds before the next try: what the portal asked for, else doubled each time, with jitter."""
    asked = str(last.body.get("retry_after") or "") if isinstance(last, Problem) else ""
    if asked.isdigit():
        return min(LONGEST_PAUSE, float(asked)) + random.random()  # noqa: S311 - jitter, no secret
    return float(min(LONGEST_PAUSE, 0.25 * 2.0**attempt) * (0.5 + random.random()))  # noqa: S311
