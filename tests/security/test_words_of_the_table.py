"""The words of the table exclude each other: whatever the portal answers, one of them fits and no other does."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.security import matrix, test_actions, test_ckan_routes
from tests.security.world import World

ANSWERS = {"yes": "status_show", "no": "config_option_list", "hidden": "job_show", "complained": "file_owner_scan"}
"""An action for each word, as the level of `ASKS` is answered."""
ASKS = {"yes": "anonymous", "no": "anonymous", "hidden": "operator", "complained": "anonymous"}


@pytest.mark.parametrize("words", [matrix.OURS, matrix.CKANS], ids=["ours", "ckans"])
def test_no_answer_is_in_two_words(words: dict[str, frozenset[str]]) -> None:
    assert [pair for pair in combinations(words, 2) if words[pair[0]] & words[pair[1]]] == []
    assert frozenset().union(*words.values()) == {"allowed", "sent_on", "sign_in", "refused", "hidden", "complained"}


@pytest.mark.parametrize("word", ANSWERS)
def test_an_action_that_is_expected_to_answer_otherwise_is_told(world: World, word: str) -> None:
    row = matrix.the_row("actions", ANSWERS[word], "")
    assert row.who[""][ASKS[word]] == word
    told = {other: test_actions._called(world, ANSWERS[word], row, "private", ASKS[word], other) for other in matrix.CKANS}
    assert [other for other, wrong in told.items() if not wrong] == [word]


@pytest.mark.parametrize(
    ("method", "path", "level", "word"),
    [
        ("GET", "/about", "anonymous", "yes"),
        ("GET", "/util/redirect?url=/about", "anonymous", "yes"),
        ("GET", "/ckan-admin/", "citizen", "no"),
        ("GET", "/dashboard/datasets", "anonymous", "no"),
        ("GET", "/webassets/x", "operator", "hidden"),
        ("GET", "/util/redirect", "operator", "complained"),
    ],
)
def test_a_route_that_is_expected_to_answer_otherwise_is_told(
    world: World, method: str, path: str, level: str, word: str
) -> None:
    told = {other: test_ckan_routes._tried(world, "", method, path, level, other, {}) for other in matrix.CKANS}
    assert [other for other, wrong in told.items() if not wrong] == [word], told
