"""A small body is answered when it is decided on; a large one, and one for which nobody waits, with an address to ask."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import pytest

from tests.publishing.conftest import BASE, PATIENCE, SCHOOLS, Api
from tests.publishing.test_deliver import BAD

LARGE = b"bin,name,pupils\n000140000012,a,1\n" + b"\n" * (1 << 20)


@pytest.mark.parametrize(
    ("wait", "body", "status", "state"),
    [
        (PATIENCE, SCHOOLS, 200, "accepted"),
        (PATIENCE, BAD, 422, "refused"),
        (PATIENCE, LARGE, 202, "received"),
        (0, SCHOOLS, 202, "received"),
        (0, BAD, 202, "received"),
    ],
    ids=["small", "small and wrong", "large", "nobody waits", "nobody waits for a wrong one"],
)
def test_a_small_body_is_answered_at_once_and_a_large_one_with_its_address(
    api: Api, uri: str, monkeypatch: pytest.MonkeyPatch, wait: int, body: bytes, status: int, state: str
) -> None:
    monkeypatch.setitem(tk.config, "kzopen.answer_wait", wait)

    answer = api.call("POST", f"/datasets/{uri}/rows", data=body)

    told = answer.json.get("delivery", answer.json)
    assert (answer.status_code, answer.headers["Location"]) == (status, told["links"]["self"])
    assert told["state"] in ({state, "checking"} if status == 202 else {state})
    if status == 200:
        assert (told["version"]["number"], told["rows"]) == (1, 3)
    assert answer.headers["Location"].endswith(f"{BASE}/deliveries/{told['id']}")
    place = answer.headers["Location"].split(BASE)[1]
    assert api.get(place).json["id"] == told["id"]
