"""CKAN's own routes: none breaks, none tells what is private, none changes anything for whom it is not meant.

Outsiders of whom the same is expected take them by turns; `./kzopen test matrix` asks every level everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp

from tests.security import matrix
from tests.security.requests import address, ask, asked_with, body_of, told
from tests.security.world import LEVELS, World

OUTSIDERS = ("anonymous", "citizen", "other_administrator")
# CKAN raises a plain Exception there: groups have no bulk processing (ckan/views/group.py, `_setup_template_variables`).
BROKEN_IN_CKAN = {("group.bulk_process", "operator")}


@pytest.fixture(autouse=True)
def _errors_are_answers(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a running portal, not as in a test: what breaks is answered with 500."""
    monkeypatch.setitem(app.flask_app.config, "PROPAGATE_EXCEPTIONS", False)


def theirs(app: CKANTestApp, method: str) -> Iterator[Any]:
    """One rule of each of CKAN's endpoints that takes the method."""
    seen: set[str] = set()
    for rule in app.flask_app.url_map.iter_rules():
        if method in rule.methods and not matrix.is_ours(rule.endpoint) and rule.endpoint not in seen:
            seen.add(rule.endpoint)
            yield rule


def cases(world: World, method: str) -> Iterator[tuple[Any, str, dict[str, str]]]:
    """Every rule with each kind of data set; one that asks for none is tried once."""
    for rule in theirs(world.app, method):
        who = matrix.the_row("ckan_routes", rule.endpoint, method).who
        wanted = set(rule.arguments) - set(rule.defaults or {})
        kinds = tuple(who) if "" not in who else ("public", "private", "draft") if wanted & {"id", "_id"} else ("public",)
        for kind in kinds:
            yield rule, kind, who.get(kind) or who[""]


def wrong_answers(world: World, method: str, levels: tuple[str, ...], language: str = "") -> list[str]:
    """Where CKAN and the table disagree, and where something private was told; but for all levels, they are asked by turns."""
    found, turns = [], matrix.Turns()
    for rule, kind, who in cases(world, method):
        for level in levels if levels == LEVELS else turns.of_levels(levels, who):
            if method == "POST" and who[level] == "yes":
                continue  # it would change what the other rows are tried on
            row, dataset = matrix.the_row("ckan_routes", rule.endpoint, method), world.datasets[kind]
            path = language + address(rule, world, dataset) + asked_with(row, world, dataset)
            given = body_of(row, world, dataset)
            found.append(_tried(world, rule.endpoint, method, path, level, who[level], given if method == "POST" else {}))
    return [wrong for wrong in found if wrong]


def _tried(world: World, endpoint: str, method: str, path: str, level: str, expected: str, given: dict[str, Any]) -> str:
    response = ask(world, level, method, path, **given)
    found, text = matrix.outcome(response), told(response)
    leaked = level not in matrix.READERS and any(secret in text for secret in world.secrets("private", "draft"))
    excused = found == "broken" and (endpoint, level) in BROKEN_IN_CKAN
    if (matrix.agrees(found, expected, matrix.CKANS) or excused) and not leaked:
        return ""
    return f"{method} {path} as {level}: {response.status_code} {found}, expected {expected}{', LEAKED' if leaked else ''}"


def test_pages_for_readers_neither_break_nor_tell_what_is_private(world: World) -> None:
    assert not (wrong := wrong_answers(world, "GET", OUTSIDERS[:2])), "\n".join(wrong)


def test_forms_change_nothing_for_whom_they_are_not_meant(world: World) -> None:
    before = world.fingerprint()
    assert not (wrong := wrong_answers(world, "POST", OUTSIDERS)), "\n".join(wrong)
    assert world.fingerprint() == before


@pytest.mark.long
@pytest.mark.parametrize("language", ["/kk", "/ru", "/en"])
def test_pages_for_every_level_in_every_language(world: World, language: str) -> None:
    assert not (wrong := wrong_answers(world, "GET", LEVELS, language)), "\n".join(wrong)


@pytest.mark.long
def test_forms_change_nothing_for_any_level_they_are_not_meant_for(world: World) -> None:
    before = world.fingerprint()
    assert not (wrong := wrong_answers(world, "POST", LEVELS)), "\n".join(wrong)
    assert world.fingerprint() == before


def test_who_deletes_themselves_by_ckan_s_form_is_led_to_their_own_page(world: World) -> None:
    name = world.names["author"]
    answer = ask(world, "author", "POST", f"/user/delete/{name}")
    model.Session.remove()
    assert (answer.status_code, answer.headers["Location"].endswith("/account/delete")) == (302, True)
    assert model.User.get(name).state == "active"


def test_nobody_makes_themselves_an_operator(world: World) -> None:
    form = {"username": world.names["citizen"], "status": "1"}
    answer = ask(world, "citizen", "POST", "/user/sysadmin", data=form)
    model.Session.remove()
    assert (answer.status_code, model.User.get(world.names["citizen"]).sysadmin) == (302, False)


@pytest.mark.parametrize("level", ["other_administrator", "administrator"])
def test_a_form_of_many_data_sets_is_sent_on_and_changes_nothing(world: World, level: str) -> None:
    before, path = world.fingerprint(), f"/organization/bulk_process/{world.agency_name}"
    form = {"bulk_action.delete": "", f"dataset_{world.datasets['public'].id}": ""}
    assert ask(world, level, "POST", path, data=form).status_code == 302
    assert world.fingerprint() == before
