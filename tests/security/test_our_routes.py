"""Our own routes, every method, every level, on public, private and draft data sets: the table is what happens.

Levels of which the same is expected take turns; `./kzopen test matrix` asks all of them everywhere, in each language.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from ckan.tests.helpers import CKANTestApp

from tests.security import matrix
from tests.security.requests import address, ask, asked_with, body_of, told
from tests.security.world import CITIZENS, KINDS, LEVELS, OTHERS, OWN, World

LANGUAGES = ("/kk", "/ru", "/en")
OUTSIDERS = ("anonymous", *CITIZENS, *OTHERS)
TURNS = (OUTSIDERS, ("moderator", "methodologist"), OWN)
"""Levels that are much alike: where the table expects the same of some of them, on whatever data set, they take requests by
turns."""
HIDDEN = ("private", "draft")


def ours(app: CKANTestApp) -> list[Any]:
    return [rule for rule in app.flask_app.url_map.iter_rules() if matrix.is_ours(rule.endpoint)]


def wrong_answers(world: World, language: str = "", *, all_levels: bool = True) -> list[str]:
    """Where the portal and the table disagree, and where something private was told.

    Unless all levels are asked everywhere, those that are alike take the routes and the kinds of data sets by turns.
    """
    turns = matrix.Turns()
    return [
        wrong
        for rule in ours(world.app)
        for method in matrix.methods_of(rule)
        for who in [matrix.the_row("our_routes", rule.endpoint, method).who]
        for kind, level in (everybody(who) if all_levels else whose_turn(who, turns))
        if (wrong := _tried(world, rule, method, kind, level, who[kind][level], language))
    ]


def everybody(who: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    """Every level with every kind of data set."""
    return [(kind, level) for level in LEVELS for kind in who]


def whose_turn(who: dict[str, dict[str, str]], turns: matrix.Turns) -> list[tuple[str, str]]:
    """Kinds and levels that are asked now: of those that are alike, one for each word that the table has for them."""
    groups: defaultdict[tuple[object, ...], list[tuple[str, str]]] = defaultdict(list)
    for kind, level in everybody(who):
        group = next((number for number, alike in enumerate(TURNS) if level in alike), (kind, level))
        # What is hidden is kept from each group on each route; who may see all may take the kinds by turns.
        apart = kind if kind in HIDDEN and who[kind][level] != "allowed" else ""
        groups[group, who[kind][level], apart].append((kind, level))
    return [turns.one_of(alike, group) for group, alike in groups.items()]


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


def test_in_enough_rounds_each_level_is_asked_on_each_kind_for_each_word() -> None:
    turns = matrix.Turns()
    rows = [row.who for row in matrix.rows("our_routes")]
    times = len(OUTSIDERS) * len(KINDS)
    asked = {(kind, level, who[kind][level]) for who in rows * times for kind, level in whose_turn(who, turns)}
    assert asked == {(kind, level, who[kind][level]) for who in rows for kind, level in everybody(who)}


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
