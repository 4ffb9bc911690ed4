"""Our own routes, every method, every level, on public, private and draft data sets: the table is what happens."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest
from ckan.tests.helpers import CKANTestApp

from tests.security import matrix
from tests.security.requests import address, ask, asked_with, body_of, told
from tests.security.world import IDENTITIES, KINDS, LEVELS, World

LANGUAGES = ("/kk", "/ru", "/en")


def ours(app: CKANTestApp) -> list[Any]:
    return [rule for rule in app.flask_app.url_map.iter_rules() if matrix.is_ours(rule.endpoint)]


def wrong_answers(world: World, language: str = "", *, all_levels: bool = True) -> list[str]:
    """Where the portal and the table disagree, and where something private was told.

    Unless all levels are asked everywhere, those of identity above the plain citizen take the routes by turns.
    """
    above = cycle(IDENTITIES)
    return [
        wrong
        for rule in ours(world.app)
        for asked in [LEVELS if all_levels else [level for level in LEVELS if level not in IDENTITIES] + [next(above)]]
        for method in matrix.methods_of(rule)
        for kind, who in matrix.the_row("our_routes", rule.endpoint, method).who.items()
        for level in asked
        if (wrong := _tried(world, rule, method, kind, level, who[level], language))
    ]


def _tried(world: World, rule: Any, method: str, kind: str, level: str, expected: str, language: str) -> str:
    row = matrix.the_row("our_routes", rule.endpoint, method)
    dataset = world.datasets[kind or "public"]
    fresh = world.waiting_delivery(dataset.kind) if row.of and expected == "allowed" else ""
    path = language + address(rule, world, dataset, fresh)
    response = ask(world, level, method, path + asked_with(row, world, dataset), **body_of(row, world, dataset))
    found, text = matrix.outcome(response), told(response)
    leaked = level not in matrix.READERS and any(secret in text for secret in world.secrets("private", "draft"))
    if matrix.agrees(found, expected, matrix.OURS) and not leaked:
        return ""
    return f"{method} {path} as {level}: {response.status_code} {found}, expected {expected}{', LEAKED' if leaked else ''}"


def test_our_routes_do_what_the_table_says(world: World) -> None:
    assert not (wrong := wrong_answers(world, all_levels=False)), "\n".join(wrong)


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_our_routes_do_what_the_table_says_in_every_language(world: World, language: str) -> None:
    assert not (wrong := wrong_answers(world, language)), "\n".join(wrong)


def test_an_allowed_answer_does_show_what_is_private_to_its_own_agency(world: World) -> None:
    dataset = world.datasets["private"]
    text = told(ask(world, "editor", "GET", f"/data/{dataset.uri}.csv"))
    assert dataset.secret in text


def test_the_table_tries_every_kind_of_data_set() -> None:
    kinds = {kind for row in matrix.rows("our_routes") for kind in row.who}
    assert kinds == {"", *KINDS}
