"""A data set that was public once, or was never, is told to nobody by the lists of activities."""

from __future__ import annotations

import json

import pytest

from tests.security.requests import ask, told
from tests.security.world import World

LISTS = {
    "recently_changed_packages_activity_list": {},
    "organization_activity_list": {"id": "organization"},
    "user_activity_list": {"id": "editor"},
    "dashboard_activity_list": {},
}


def listed(world: World, level: str, action: str, wanted: dict[str, str], offset: int = 0) -> str:
    """A page of the list as text; CKAN gives 100 activities at most."""
    ids = {"organization": world.agency, "editor": world.names["editor"]}
    body = json.dumps({"limit": 100, "offset": offset} | {name: ids[value] for name, value in wanted.items()})
    return told(ask(world, level, "POST", f"/api/3/action/{action}", data=body, content_type="application/json"))


@pytest.mark.parametrize("level", ["anonymous", "citizen", "other_administrator"])
@pytest.mark.parametrize("action", LISTS)
def test_outsiders_do_not_read_hidden_titles_in_activities(world: World, action: str, level: str) -> None:
    text = listed(world, level, action, LISTS[action])
    assert not [kind for kind in ("private", "draft") if world.datasets[kind].secret in text]


@pytest.mark.parametrize("action", ["recently_changed_packages_activity_list", "organization_activity_list"])
def test_what_is_public_is_still_listed(world: World, action: str) -> None:
    """On some page: since the world was made, other tests may have changed more data sets than one page has."""
    pages = (listed(world, "anonymous", action, LISTS[action], offset) for offset in range(0, 10_000, 100))
    assert any(world.datasets["public"].secret in page for page in pages)


def test_the_agency_reads_of_its_own_private_data_set(world: World) -> None:
    assert world.datasets["private"].secret in listed(world, "editor", "user_activity_list", {"id": "editor"})
