"""A large body in parts: it goes on where it stopped, in this run of the program or in the next one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from kzopen_client.bodies import Body, forget
from kzopen_client.calling import Calling
from kzopen_client.errors import Problem, Unreachable

PART = 8 << 20
Progress = Callable[[int, int], None]
"""Takes the bytes that the portal has, and all of them."""
GONE = ("publishing.unknown_upload", "publishing.upload_expired")
TRIES_WITHOUT_PROGRESS = 8


def state_folder() -> Path:
    """Where unfinished uploads are remembered."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kzopen-client"


def send_in_parts(calling: Calling, base: str, order: dict[str, Any], body: Body, progress: Progress | None) -> httpx.Response:
    """The portal's answer to the completed upload."""
    state = state_folder() / f"{_name(calling, order, body)}.json"
    number, offset = _known(calling, base, state) or _begun(calling, base, order, body, state)
    number, offset = _all_parts(calling, base, order, body, state, number, offset, progress)
    answer: httpx.Response = calling.call("POST", f"{base}/uploads/{number}/complete", json={"sha256": body.sha256})
    forget(state)
    return answer


def _all_parts(
    calling: Calling,
    base: str,
    order: dict[str, Any],
    body: Body,
    state: Path,
    number: str,
    offset: int,
    progress: Progress | None,
) -> tuple[str, int]:
    idle = 0
    with body.open() as file:
        while offset < body.length:
            if progress:
                progress(offset, body.length)
            file.seek(offset)
            before = offset
            offset = _sent(calling, base, number, offset, file.read(PART))
            idle = 0 if offset > before else idle + 1
            if idle >= TRIES_WITHOUT_PROGRESS:
                raise Unreachable(f"the upload {number} does not get on; it is kept and goes on with the next try")
    if progress:
        progress(offset, body.length)
    return number, offset


def _sent(calling: Calling, base: str, number: str, offset: int, part: bytes) -> int:
    """How much the portal has after this part; after a failure it is asked, for it may have got some of it."""
    path = f"{base}/uploads/{number}"
    try:
        answer = calling.call("PUT", path, content=part, headers={"Upload-Offset": str(offset)}, once=True)
    except (Problem, Unreachable) as error:
        if isinstance(error, Problem) and error.status not in (408, 409, 400, 429) and error.status < 500:
            raise
        answer = calling.call("GET", path)
    return int(answer.headers["Upload-Offset"])


def _known(calling: Calling, base: str, state: Path) -> tuple[str, int] | None:
    """The upload that an earlier run left unfinished, and how much of it the portal has."""
    try:
        number = str(json.loads(state.read_text())["upload"])
        answer = calling.call("GET", f"{base}/uploads/{number}")
    except (OSError, ValueError, KeyError):
        return None
    except Problem as error:
        if error.code not in GONE:
            raise
        return None
    return (number, int(answer.headers["Upload-Offset"])) if not answer.json().get("delivery") else None


def _begun(calling: Calling, base: str, order: dict[str, Any], body: Body, state: Path) -> tuple[str, int]:
    given = {**order, "length": body.length, "media_type": body.media_type, "file_name": body.name}
    answer = calling.call("POST", f"{base}/uploads", json={name: value for name, value in given.items() if value is not None})
    number = str(answer.json()["id"])
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(json.dumps({"upload": number, "dataset": order["dataset"], "sha256": body.sha256}))
    return number, 0


def _name(calling: Calling, order: dict[str, Any], body: Body) -> str:
    """One name for the same bytes to the same place in the same way; the key, made anew for each run, does not count."""
    told = {name: value for name, value in order.items() if name != "idempotency_key"}
    return hashlib.sha256(json.dumps([calling.address, told, body.sha256], sort_keys=True).encode()).hexdigest()[:32]
