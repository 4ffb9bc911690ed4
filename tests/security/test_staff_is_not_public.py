"""Who works in an agency is told to those who work in some agency, not to the public."""

from __future__ import annotations

import pytest

from tests.security.requests import ask
from tests.security.world import World

PEOPLE = "/api/3/action/member_list?id={0}&object_type="


@pytest.mark.parametrize(
    "page", ["/organization/admins/{0}", "/kk/organization/admins/{0}", "/organization/admins/{0}?page=2"]
)
def test_the_page_of_administrators_names_nobody_to_the_public(world: World, page: str) -> None:
    names = [name for name in world.names.values() if name]
    for level, status in (("anonymous", 302), ("citizen", 403)):
        answer = ask(world, level, "GET", page.format(world.agency_name))
        assert answer.status_code == status
        assert not [name for name in names if name != world.names[level] and name in answer.get_data(as_text=True)]


def test_the_page_of_administrators_names_them_to_staff_of_another_agency(world: World) -> None:
    answer = ask(world, "other_author", "GET", f"/organization/admins/{world.agency_name}")
    assert answer.status_code == 200
    assert world.names["administrator"] in answer.get_data(as_text=True)


def test_members_are_told_to_staff_and_data_sets_to_everyone(world: World) -> None:
    for level in ("anonymous", "citizen"):
        for kind in ("user", ""):
            assert ask(world, level, "GET", PEOPLE.format(world.agency) + kind).status_code == 403
    people = ask(world, "author", "GET", PEOPLE.format(world.agency) + "user").json["result"]
    assert {row[1] for row in people} == {"user"}
    tables = ask(world, "anonymous", "GET", PEOPLE.format(world.agency) + "package")
    assert tables.status_code == 200
    assert world.datasets["public"].id in {row[0] for row in tables.json["result"]}
