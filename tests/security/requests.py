"""Addresses and bodies: a route or an action filled with the ids of a data set, a person, an agency."""

from __future__ import annotations

import json
from typing import Any

from ckan import model

from tests.publishing.conftest import BASE, passport
from tests.publishing.harvest.conftest import BASE as HARVEST
from tests.security.matrix import Row
from tests.security.world import OTHERS, Dataset, World, rows

# Flask's own base address: the cookie of a signed-in test client belongs to it.
HERE = "http://localhost/"
APIS = (BASE, HARVEST, "/api/3/action/")
NOT_THERE = 2_000_000_000
SHOWN_ONCE = {"logic_function": "status_show", "lang": "kk", "code": "web.not_found", "filename": "x.csv", "index": 0}


def names_of(world: World, dataset: Dataset, level: str = "") -> dict[str, str]:
    """What the words in braces of the table stand for."""
    return {
        "package": dataset.id,
        "public_package": world.datasets["public"].id,
        "resource": dataset.resource_id,
        "view": dataset.view_id,
        "activity": dataset.activities[-1],
        "change": dataset.activities[1],
        "earlier": dataset.activities[0],
        "group_activity": world.group_activities[-1],
        "group_earlier": world.group_activities[0],
        "agency_activity": world.agency_activities[-1],
        "agency_earlier": world.agency_activities[0],
        "organization": world.agency,
        "other_organization": world.other_agency,
        "a_resource_of_mine": world.other_resource if level in OTHERS else dataset.resource_id,
        "group": world.group_name,
        "user": world.names["author"],
        "citizen": world.names["citizen"],
        "operator": world.names["operator"],
        "vocabulary": world.vocabulary,
        "tag": world.tag,
        "task": world.task,
        "token": world.token_id("author"),
    }


def filled(value: Any, names: dict[str, str]) -> Any:
    """The value with its words in braces replaced, however deep they stand."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return names.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value


def address(rule: Any, world: World, dataset: Dataset, delivery: str = "") -> str:
    """The rule's path on this data set; `delivery` stands in for the data set's published one."""
    given = {name: _value(rule, name, world, dataset, delivery) for name in rule.arguments - set(rule.defaults or {})}
    _, path = rule.build(given, append_unknown=False) or ("", "")
    assert path, f"no address for {rule.rule} with {given}"
    return str(path)


def asked_with(row: Row, world: World, dataset: Dataset) -> str:
    """What follows the path of the row's request."""
    return f"?{row.query.format(**names_of(world, dataset))}" if row.query else ""


def _value(rule: Any, name: str, world: World, dataset: Dataset, delivery: str) -> Any:
    plain = SHOWN_ONCE | {
        "uri": dataset.uri,
        "_id": dataset.uri,
        "ending": "csv",
        "form": "json",
        "_format": "ttl",
        "resource_id": dataset.resource_id,
        "view_id": dataset.view_id,
        "resource_view_id": dataset.view_id,
        "activity_id": dataset.activities[-1],
        "ver": 3 if "action" in rule.endpoint else 1,
        "id": _id(rule.endpoint, world, dataset),
        "agency": world.agency_name,
    }
    if name == "number" and "<int" in rule.rule and "<uri>" not in rule.rule:
        return NOT_THERE  # of what somebody has: this run, or another test, may have left the first ones
    if rule.endpoint == "static":
        return "base/images/ckan-logo.png"
    if name in ("number", "token"):
        return (delivery or dataset.delivery) if "uuid:" in rule.rule else 1
    return plain.get(name, "x")


def _id(endpoint: str, world: World, dataset: Dataset) -> str:
    """What `<id>` means depends on whose route it is."""
    blueprint, _, view = endpoint.partition(".")
    about = {"activity": view, "feeds": view}.get(blueprint, blueprint)
    if about.endswith("changes"):
        whose = {"group": world.group_activities, "organization": world.agency_activities}
        return whose.get(about.partition("_")[0], dataset.activities)[1]  # CKAN compares it with the one before, of any kind
    if about.endswith("history"):
        return dataset.uri
    if about.startswith("group"):
        return world.group_name
    if about.startswith("organization"):
        return world.agency_name
    return world.names["author"] if about.startswith("user") else dataset.uri


def body_of(row: Row, world: World, dataset: Dataset) -> dict[str, Any]:
    """Arguments of the request: what our writing routes need to go through."""
    if row.send == "passport":
        told = passport(world.agency_name)
        told["title"] = {"kk": f"{dataset.secret} тізімі", "ru": f"{dataset.secret} перечень"}
        return {"data": json.dumps(told), "content_type": "application/json"}
    if row.send == "rows":
        return {"data": rows(dataset.secret)}
    return {"data": filled(row.given, names_of(world, dataset))} if row.given else {}


def ask(world: World, level: str, method: str, path: str, **given: Any) -> Any:
    """One request as that level makes it: by token to the APIs, by a browser that is signed in to pages."""
    if any(api in path for api in APIS):
        headers = {"Authorization": world.tokens[level]} if world.tokens[level] else {}
        client = world.app.test_client(use_cookies=False)
        return client.open(path, method=method, headers=headers, base_url=HERE, follow_redirects=False, **given)
    return world.browser(level).open(path, method=method, base_url=HERE, follow_redirects=False, **given)


def told(response: Any) -> str:
    """All that an answer tells, headers too; a download is read to its end."""
    found = response.get_data().decode("utf-8", "replace") + str(response.headers)
    model.Session.remove()
    return found
