"""Deliveries to the portal: each has an Idempotency-Key, so that one sent twice is published once."""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kzopen_agent import __version__
from kzopen_agent.settings import Settings
from kzopen_agent.state import Entry, State

TIMEOUT = 120.0
FIRST_WAIT, LONGEST_WAIT, UNDER_WAY_WAIT = 1.0, 30.0, 1.0
UNDER_WAY = ("received", "checking", "failed")
WAITS_FOR_A_PERSON = ("awaiting_approval", "quarantined", "scheduled")
AGAIN = (408, 425, 429)


@dataclass(frozen=True)
class Answer:
    """The status (0 = nobody answered), the object, and the seconds that the portal asks to wait."""

    status: int
    content: dict[str, Any]
    retry_after: float = 0.0

    @property
    def sentence(self) -> str:
        return str(self.content.get("detail") or self.content.get("error") or self.status)


class Portal:
    """The universal API of a portal."""

    def __init__(self, settings: Settings) -> None:
        self.base = f"{settings.portal}/api/universal/v1"
        self.token = settings.token_now
        self.headers = {
            "User-Agent": f"kzopen-agent/{__version__}",
            "Accept-Language": settings.language,
        }

    def send(self, entry: Entry) -> Answer:
        """POST the rows of an entry."""
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Disposition": f'attachment; filename="{entry.dataset}.ndjson.gz"',
            "Idempotency-Key": entry.id,
        }
        return self._ask(f"/datasets/{quote(entry.dataset)}/rows?mode={entry.mode}", headers, entry.body)

    def delivery(self, number: str) -> Answer:
        """Where a delivery stands."""
        return self._ask(f"/deliveries/{number}", {}, None)

    def _ask(self, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        request = urllib.request.Request(self.base + path, data=body, headers={**self.headers, **headers})
        request.add_header("Authorization", self.token())
        try:
            return _answered(request)
        except (OSError, http.client.HTTPException, ValueError) as error:  # away, or cut off in the midst of its answer
            return Answer(0, {"error": f"{type(error).__name__}: {error}"})


def _answered(request: urllib.request.Request) -> Answer:
    """A whole answer; ValueError for a good one that is no object of JSON."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            found = json.loads(response.read())
    except urllib.error.HTTPError as error:
        asked = error.headers.get("Retry-After", "")
        return Answer(error.code, _object(error.read()), float(asked) if asked.isdecimal() else 0.0)
    if not isinstance(found, dict):
        raise ValueError("the answer is no object")
    return Answer(response.status, found)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def send_all(state: State, portal: Portal, now: float) -> int:
    """Send what may be sent now; how many entries the portal has published."""
    done = 0
    while entries := list(state.waiting(now)):
        published = sum(_one(state, portal, entry, now) for entry in entries)
        done += published
        if not published:
            break
    return done


def _one(state: State, portal: Portal, entry: Entry, now: float) -> bool:
    answer = portal.delivery(entry.delivery) if entry.delivery else portal.send(entry)
    told = answer.content.get("delivery") if answer.status >= 400 else answer.content
    if answer.status == 404 and entry.delivery:
        state.taken(entry, "")  # the portal was restored from an older backup: send it again
        return False
    if answer.status == 0 or answer.status in AGAIN or answer.status >= 500 or answer.status in (401, 403):
        state.later(entry, now + max(wait(entry.tries), answer.retry_after), answer.sentence)
        return False
    if isinstance(told, dict) and told.get("state") == "accepted":
        state.delivered(entry)
        return True
    if isinstance(told, dict) and told.get("state") in (*UNDER_WAY, *WAITS_FOR_A_PERSON):
        state.taken(entry, str(told["id"]))
        pause = UNDER_WAY_WAIT if told["state"] in UNDER_WAY else LONGEST_WAIT
        state.later(entry, now + pause, str(told.get("state_label") or told["state"]))
        return False
    state.refused(entry, answer.sentence if answer.status >= 400 else str(told))
    return False


def wait(tries: int) -> float:
    """Seconds before the next try: doubled each time, up to a quarter more by chance."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries, 10)) * (1 + random.random() / 4)  # noqa: S311


def now() -> float:
    """The clock of the queue."""
    return time.time()
