"""Nobody learns from a search, its count or its facets that there is a data set which they may not see."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.search.test_drift import make_dataset

pytestmark = pytest.mark.usefixtures("with_plugins")


@pytest.fixture
def people() -> dict[str, dict[str, Any]]:
    return {name: factories.User(password="walnut-harbour-velvet", about="") for name in ("member", "stranger")}


@pytest.fixture
def hidden(people: dict[str, dict[str, Any]]) -> dict[str, Any]:
    organization = factories.Organization(users=[{"name": people["member"]["name"], "capacity": "editor"}])
    tag = {"name": f"secret-{organization['name']}"}
    return make_dataset(organization, private=True, tags=[tag])


def search_as(user: str, **query: Any) -> dict[str, Any]:
    context = {"user": user, "ignore_auth": False}
    return call_action("package_search", context=context, include_private=True, **query)


@pytest.mark.parametrize(("who", "sees"), [("member", 1), ("stranger", 0), ("nobody", 0)])
def test_a_private_data_set(hidden: dict[str, Any], people: dict[str, dict[str, Any]], who: str, sees: int) -> None:
    user = people[who]["name"] if who in people else ""
    queries = [{"fq": f'name:"{hidden["name"]}"'}, {"q": hidden["name"]}, {"q": f"title:{hidden['name']}"}]
    for query in queries:
        answer = search_as(user, **query, **{"facet.field": ["tags", "owner_org"], "facet.limit": -1})
        assert (answer["count"], len(answer["results"])) == (sees, sees)
        assert len(answer["facets"]["tags"]) == sees
        assert len(answer["facets"]["owner_org"]) == sees


def test_a_filter_on_labels_opens_nothing(hidden: dict[str, Any], people: dict[str, dict[str, Any]]) -> None:
    label = f"member-{hidden['owner_org']}"
    for trick in (
        f'permission_labels:"{label}"',
        f'name:"{hidden["name"]}" OR permission_labels:"{label}"',
        f'*:* OR "{label}"',
    ):
        answer = search_as(people["stranger"]["name"], fq=trick, rows=1000)
        assert hidden["name"] not in [one["name"] for one in answer["results"]]
