"""Every action of CKAN's API for every level: reads are made, writes are made by whom they are refused to."""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import authz

from tests.security import matrix
from tests.security.actions import all_actions, only_reads
from tests.security.requests import ask, filled, names_of, told
from tests.security.world import LEVELS, World

OUTSIDERS = ("anonymous", "citizen", "other_administrator")


def wrong_answers(world: World, levels: tuple[str, ...]) -> list[str]:
    """Where an action and the table disagree, and where something private was told; but for all levels, they go by turns."""
    found, turns = [], matrix.Turns()
    for name, action in sorted(all_actions(world.app).items()):
        row = matrix.the_row("actions", name, "")
        for kind, who in row.who.items():
            for level in levels if levels == LEVELS else turns.of_levels(levels, who):
                if only_reads(action) or who[level] != "yes":
                    found.append(_called(world, name, row, kind or "private", level, who[level]))
    return [wrong for wrong in found if wrong]


def _called(world: World, name: str, row: matrix.Row, kind: str, level: str, expected: str) -> str:
    given = filled(row.given, names_of(world, world.datasets[kind], level))
    response = ask(world, level, "POST", f"/api/3/action/{name}", data=json.dumps(given), content_type="application/json")
    found, text = matrix.outcome(response), told(response)
    leaked = level not in matrix.READERS and any(secret in text for secret in world.secrets("private", "draft"))
    if matrix.agrees(found, expected, matrix.CKANS) and not leaked:
        return ""
    return f"{name} on {kind} as {level}: {response.status_code} {found}, expected {expected}{', LEAKED' if leaked else ''}"


def test_actions_are_refused_to_outsiders_and_change_nothing(world: World) -> None:
    before = world.fingerprint()
    assert not (wrong := wrong_answers(world, OUTSIDERS)), "\n".join(wrong)
    assert world.fingerprint() == before


@pytest.mark.long
def test_actions_do_what_the_table_says_for_every_level(world: World) -> None:
    before = world.fingerprint()
    assert not (wrong := wrong_answers(world, LEVELS)), "\n".join(wrong)
    assert world.fingerprint() == before


@pytest.mark.parametrize("level", LEVELS)
def test_writes_are_allowed_to_whom_the_table_allows_them(world: World, level: str) -> None:
    """By CKAN's own right of that name, which is what the action asks; the write itself is not made."""
    writes = [name for name, action in all_actions(world.app).items() if not only_reads(action)]
    known = set(authz._AuthFunctions.keys())
    refused = [
        name
        for name in sorted(writes)
        if name in known
        for kind, who in matrix.the_row("actions", name, "").who.items()
        if who[level] == "yes" and not _may(world, name, kind or "private", level)
    ]
    assert not refused, " ".join(refused)


def _may(world: World, name: str, kind: str, level: str) -> bool:
    given: dict[str, Any] = filled(matrix.the_row("actions", name, "").given, names_of(world, world.datasets[kind], level))
    with world.app.flask_app.test_request_context():
        try:
            tk.check_access(name, {"user": world.names[level]}, given)
        except tk.NotAuthorized:
            return False
        except (tk.ObjectNotFound, tk.ValidationError, KeyError):
            pass  # it got as far as looking for what it was given, or for what the action would have found
    return True
