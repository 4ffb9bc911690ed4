"""A small body is answered when it is decided on; a large one, and one for which nobody waits, with an address to ask."""

from __future__ import annotations

import runpy
from contextlib import suppress

import ckan.plugins.toolkit as tk
import pytest
from ckanext.kzopen.publishing import deliveries_api

from tests.publishing.conftest import BASE, PATIENCE, SCHOOLS, Agency, Api
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


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries_api, "SMALL", 0)
    monkeypatch.setattr(deliveries_api, "LONGEST_WAIT", PATIENCE)


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize(("body", "status"), [(SCHOOLS, 200), (BAD, 422)], ids=["right", "wrong"])
@pytest.mark.parametrize("prefer", ["wait=9999", 'respond-async, Wait = "9999"'])
def test_a_large_body_is_answered_when_it_is_decided_on_where_its_sender_prefers_to_wait(
    api: Api, uri: str, body: bytes, status: int, prefer: str
) -> None:
    answer = api.call("POST", f"/datasets/{uri}/rows", data=body, headers={"Prefer": prefer})

    assert answer.status_code == status
    told = answer.json.get("delivery", answer.json)
    assert (told["state"], told["settled"] is not None) == (("accepted", True) if status == 200 else ("refused", False))


@pytest.mark.usefixtures("all_are_large")
def test_who_asks_where_a_delivery_stands_may_wait_for_it(api: Api, uri: str) -> None:
    answer = api.call("POST", f"/datasets/{uri}/rows", data=SCHOOLS)
    assert answer.status_code == 202

    told = api.call("GET", f"/deliveries/{answer.json['id']}", headers={"Prefer": "wait=9999"}).json

    assert told["settled"] is not None


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that answers would have waited."""
    seconds: list[float] = []
    monkeypatch.setattr(deliveries_api, "wait_for", lambda session, delivery, most: seconds.append(most))
    return seconds


@pytest.mark.parametrize(
    ("prefer", "seconds"), [("wait=9999", 20), ("wait=" + "9" * 5000, 20), ("wait=007", 7), ("wait=3", 3), ("wait=-1", 5)]
)
def test_an_answer_waits_as_long_as_is_preferred_twenty_seconds_at_most(
    api: Api, uri: str, waited: list[float], monkeypatch: pytest.MonkeyPatch, prefer: str, seconds: int
) -> None:
    monkeypatch.setitem(tk.config, "kzopen.answer_wait", 5)

    answer = api.call("POST", f"/datasets/{uri}/rows", data=SCHOOLS, headers={"Prefer": prefer})

    assert waited == [seconds]
    assert answer.headers.get("Preference-Applied") == (f"wait={seconds}" if prefer != "wait=-1" else None)


@pytest.mark.parametrize("who", ["others", "the sender"])
def test_where_enough_wait_already_the_answer_comes_as_without_a_preference(
    api: Api, uri: str, agency: Agency, waited: list[float], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setitem(tk.config, "kzopen.answer_wait", 5)
    taken = {"another", "a third"} if who == "others" else {agency.user}
    monkeypatch.setattr(deliveries_api, "_waiting", set(taken))
    path, headers = f"/datasets/{uri}/rows", {"Prefer": "wait=9"}

    small = api.call("POST", path, data=SCHOOLS, headers=headers)
    large = api.call("POST", path, data=LARGE, headers=headers)
    asked = api.call("GET", f"/deliveries/{large.json['id']}", headers=headers)

    assert waited == [5]
    assert not any("Preference-Applied" in answer.headers for answer in (small, large, asked))
    assert deliveries_api._waiting == taken

    monkeypatch.setattr(deliveries_api, "_waiting", {"another"})
    asked = api.call("GET", f"/deliveries/{large.json['id']}", headers=headers)
    assert (waited, asked.headers["Preference-Applied"]) == ([5, 9], "wait=9")


def test_a_place_is_given_back_however_the_wait_ends(api: Api, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    def cut(*_given: object) -> None:
        held.append(len(deliveries_api._waiting))
        raise OSError

    monkeypatch.setattr(deliveries_api, "wait_for", cut)

    with suppress(OSError):
        api.call("POST", f"/datasets/{uri}/rows", data=SCHOOLS, headers={"Prefer": "wait=9"})

    assert (held, deliveries_api._waiting) == ([1], set())


def test_half_of_the_web_servers_threads_may_be_held() -> None:
    settings = runpy.run_module("ckanext.kzopen.runtime.gunicorn_settings")

    assert settings["threads"] / 2 == deliveries_api.PLACES
