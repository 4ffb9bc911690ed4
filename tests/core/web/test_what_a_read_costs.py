"""A request that only reads commits nothing, and seldom asks whether CKAN's options were changed elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.lib.app_globals import app_globals
from ckan.tests import factories
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web import other_processes
from sqlalchemy import event

ADDRESS = "/api/3/action/package_search?rows=0"


@pytest.fixture
def commits() -> Iterator[list[Any]]:
    seen: list[Any] = []
    note = seen.append
    event.listen(model.meta.engine, "commit", note)
    yield seen
    event.remove(model.meta.engine, "commit", note)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen: list[Any] = []
    monkeypatch.setattr(other_processes, "_ask", seen.append)
    return seen


def test_a_token_that_was_just_used_costs_no_commit(app: CKANTestApp, commits: list[Any], asked: list[Any]) -> None:
    headers = {"Authorization": factories.UserWithToken(password="walnut-harbour-velvet", about="")["token"]}
    app.get(ADDRESS, headers=headers)
    commits.clear()
    assert app.get(ADDRESS, headers=headers).json["success"]
    assert commits == []


def test_another_process_s_change_of_options_is_looked_for_once_a_second(
    app: CKANTestApp, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(other_processes.time, "monotonic", lambda: now)
    monkeypatch.setattr(app_globals, "_kzopen_asked", 0.0, raising=False)
    for _ in range(3):
        app.get(ADDRESS)
    assert len(asked) == 1
    now += 1.0
    app.get(ADDRESS)
    assert len(asked) == 2
