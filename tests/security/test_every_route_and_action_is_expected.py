"""A route or an action that nobody has thought about fails here, by its name."""

from __future__ import annotations

from ckan.tests.helpers import CKANTestApp

from tests.security import matrix
from tests.security.actions import all_actions


def routes(app: CKANTestApp) -> set[tuple[str, str]]:
    return {(rule.endpoint, method) for rule in app.flask_app.url_map.iter_rules() for method in matrix.methods_of(rule)}


def section_of(endpoint: str) -> str:
    return "our_routes" if matrix.is_ours(endpoint) else "ckan_routes"


def test_every_route_has_exactly_one_expectation(app: CKANTestApp) -> None:
    found = {
        route: len(matching) for route in routes(app) if len(matching := matrix.matching(section_of(route[0]), *route)) != 1
    }
    assert found == {}


def test_every_action_has_exactly_one_expectation(app: CKANTestApp) -> None:
    found = {name: len(matching) for name in all_actions(app) if len(matching := matrix.matching("actions", name, "")) != 1}
    assert found == {}


def test_no_expectation_is_left_of_a_route_or_an_action_that_is_gone(app: CKANTestApp) -> None:
    endpoints = {endpoint for endpoint, _ in routes(app)}
    names = {"our_routes": endpoints, "ckan_routes": endpoints, "actions": set(all_actions(app))}
    unused = [
        pattern
        for section, known in names.items()
        for row in matrix.rows(section)
        for pattern in row.patterns
        if not any(matrix.fnmatchcase(name, pattern) for name in known)
    ]
    assert unused == []


def test_no_expectation_is_for_whatever_a_blueprint_will_have() -> None:
    sections = ("our_routes", "ckan_routes")
    found = [pattern for section in sections for row in matrix.rows(section) for pattern in row.patterns]
    assert [pattern for pattern in found if pattern.endswith("*")] == []


def test_a_route_that_nobody_named_is_noticed() -> None:
    assert matrix.matching("our_routes", "kzopen_staff.erase_everything", "POST") == []
    assert matrix.matching("actions", "erase_everything", "") == []
