"""How long a host is left alone by all threads and processes of the portal."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckanext.kzopen.publishing.harvest import pauses

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def host() -> str:
    return f"{uuid4().hex}.example"


def test_those_who_ask_one_host_at_the_same_time_pause_between_any_two_requests(host: str) -> None:
    asked: list[float] = []

    def ask() -> None:
        for _ in range(4):
            while seconds := pauses.left(host, 0.05):
                time.sleep(seconds)
            asked.append(time.monotonic())

    with ThreadPoolExecutor(3) as pool:
        for one in [pool.submit(ask) for _ in range(3)]:
            one.result()
    assert min(later - earlier for earlier, later in pairwise(sorted(asked))) > 0.04


def test_a_host_rests_as_long_as_it_asked_for_and_no_shorter_answer_ends_that(host: str) -> None:
    assert pauses.left(host, 0) == 0
    pauses.rest(host, 30)
    pauses.rest(host, 5)
    assert 29 < pauses.left(host, 0) <= 30
    assert 29 < pauses.left(host, 0.1) <= 30.1
    pauses.rest(host, 60)
    assert 59 < pauses.left(host, 0) <= 60


def test_without_valkey_each_thread_pauses_for_itself(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tk.config, "ckan.redis.url", "redis://127.0.0.1:1/0")
    pauses.rest(host, 30)
    began = time.monotonic()
    assert pauses.left(host, 0.2) == 0
    assert 0.2 <= time.monotonic() - began < 1, "it waits for its pause, and not for Valkey"
    assert pauses.left(host, 0) == 0
