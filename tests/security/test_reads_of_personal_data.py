"""Whoever is shown somebody else's personal data is noted in the event log, once for each request."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckanext.kzopen.core import record
from ckanext.kzopen.core.mail.tables import Mail
from ckanext.kzopen.core.people import invitations, staff_table, substitution
from ckanext.kzopen.core.people.assignments.model import Delegation
from ckanext.kzopen.core.people.invitations import Invitation, Invited
from ckanext.kzopen.core.record.model import Event
from ckanext.kzopen.core.texts import ASTANA
from sqlalchemy import delete, func, select

from tests.security import matrix
from tests.security.requests import address, ask
from tests.security.world import World

ACTION = "/api/3/action/"


@dataclass(frozen=True)
class Shown:
    """A request that shows people to `level`: the words in braces are names of the world."""

    path: str
    level: str
    kind: str
    fields: str
    method: str = "GET"
    send: Callable[[], dict[str, Any]] = field(default=dict)


def table_of_staff() -> dict[str, Any]:
    content = staff_table.template("en", ("Aigul", "aigul@example.org", "000140000012", "Author", "en"))
    return {"file": (io.BytesIO(content), "staff.xlsx")}


# A request that shows people belongs here; `test_no_page_shows_somebody_without_a_note` finds those that were forgotten.
TABLE = (
    Shown("/staff/people", "administrator", "people", "name, roles"),
    Shown("/staff/people?agency={agency}", "operator", "people", "name, roles"),
    Shown("/staff/people", "operator", "people", "name, roles"),
    Shown("/staff/people/end-role?person={author}&role=author&agency={agency}", "administrator", "account", "name, roles"),
    Shown("/staff/search?q={author}", "administrator", "account", "name"),
    Shown("/staff/invitations", "administrator", "people", "email, name"),
    Shown("/staff/import", "administrator", "people", "email, name", "POST", table_of_staff),
    Shown("/staff/substitution", "author", "account", "absence, name"),
    Shown("/staff/deliveries/{delivery}", "administrator", "account", "name"),
    Shown("/staff/events", "administrator", "event_log", "address, name"),
    Shown("/staff/events.jsonl", "administrator", "event_log", "address, name"),
    Shown("/account/levels?person={citizen}", "operator", "account", "email, levels, name"),
    Shown("/user/{citizen}", "author", "account", "about, created, name"),
    Shown("/user/{citizen}", "operator", "account", "about, created, email, name"),
    Shown("/user/", "operator", "people", "about, created, email, name"),
    Shown("/user/edit/{citizen}", "operator", "account", "about, created, email, name"),
    Shown("/user/activity/{citizen}", "author", "account", "about, created, doings, name"),
    Shown("/organization/members/{agency_name}", "administrator", "people", "name, role"),
    Shown("/organization/manage_members/{agency_name}", "administrator", "people", "name, role"),
    Shown("/ckan-admin/", "operator", "people", "name"),
    Shown("/organization/admins/{agency_name}", "author", "people", "name"),
    Shown(ACTION + "user_show?id={citizen}", "author", "account", "about, created, name"),
    Shown(ACTION + "user_show?id={citizen}", "operator", "account", "about, created, email, name"),
    Shown(ACTION + "user_list", "author", "people", "created, name"),
    Shown(ACTION + "user_list?all_fields=false", "author", "people", "name"),
    Shown(ACTION + "user_autocomplete?q=person", "author", "people", "name"),
    Shown(ACTION + "user_activity_list?id={citizen}", "author", "account", "doings"),
    Shown(ACTION + "organization_show?id={agency}&include_users=true", "author", "people", "about, created, name, role"),
    Shown(ACTION + "member_list?id={agency}&object_type=user", "author", "people", "name, role"),
    Shown(ACTION + "api_token_list?user_id={citizen}", "operator", "account", "doings"),
    Shown(ACTION + "followee_list?id={citizen}", "operator", "account", "doings"),
    Shown(ACTION + "user_follower_list?id={citizen}", "operator", "account", "created, name"),
)


@pytest.fixture(scope="module")
def peopled(world: World) -> Iterator[World]:
    """Somebody is invited, the approver stands in for the author, the author follows the citizen; all of it ends again."""
    author, operator = id_of(world, "author"), id_of(world, "operator")
    today = datetime.now(ASTANA).date()
    follows: dict[str, Any] = {"user": world.names["author"]}
    with world.app.flask_app.test_request_context():
        invited = Invited("Aigul", "aigul@example.org", "en", "author", world.agency)
        invitation = invitations.invite(model.Session, invited, operator, None).id
        days = (today, today + timedelta(days=1))
        delegation = substitution.delegate(
            model.Session, author, id_of(world, "approver"), "author", world.agency, *days, by=author, address=None
        ).id
        model.Session.commit()
        tk.get_action("follow_user")(dict(follows), {"id": world.names["citizen"]})
    yield world
    with world.app.flask_app.test_request_context():
        model.Session.remove()
        substitution.revoke(model.Session, model.Session.get_one(Delegation, delegation), author)
        model.Session.delete(model.Session.get_one(Delegation, delegation))
        model.Session.delete(model.Session.get_one(Invitation, invitation))
        model.Session.execute(delete(Mail).where(Mail.about.contains([f"invitation:{invitation}"])))
        model.Session.commit()
        tk.get_action("unfollow_user")(dict(follows), {"id": world.names["citizen"]})


def last() -> int:
    model.Session.remove()
    return int(model.Session.scalar(select(func.max(Event.id))) or 0)


def noted_after(number: int, actor: str) -> list[Event]:
    """The reads that this person has made since then."""
    model.Session.remove()
    return [event for event in record.events(model.Session, limit=None, actor=actor, verb="read") if event.id > number]


def id_of(world: World, level: str) -> str:
    return str(model.User.get(world.names[level]).id)


def named(world: World) -> dict[str, str]:
    more = {"agency": world.agency, "agency_name": world.agency_name, "delivery": world.datasets["public"].delivery}
    return world.names | more


@pytest.mark.parametrize("shown", TABLE, ids=lambda shown: f"{shown.method} {shown.path} {shown.level}")
def test_a_request_that_shows_people_is_noted_once(peopled: World, shown: Shown) -> None:
    before, path = last(), shown.path.format_map(named(peopled))
    answer = ask(peopled, shown.level, shown.method, path, **({"data": shown.send()} if shown.method == "POST" else {}))
    answer.get_data()
    assert answer.status_code == 200
    found = noted_after(before, id_of(peopled, shown.level))
    assert [(event.kind, event.new["fields"]) for event in found] == [(shown.kind, shown.fields)]
    assert found[0].new.get("count", 1) == 1 or shown.kind == "people"


def test_one_person_is_the_object_and_of_a_list_all_are_told(peopled: World) -> None:
    before = last()
    ask(peopled, "operator", "GET", f"{ACTION}user_show?id={peopled.names['citizen']}")
    ask(peopled, "administrator", "GET", "/staff/people")
    one = noted_after(before, id_of(peopled, "operator"))[0]
    assert (one.kind, one.object_id) == ("account", id_of(peopled, "citizen"))
    many = noted_after(before, id_of(peopled, "administrator"))[0]
    assert (many.object_id, many.agency) == ("kzopen_people.index", peopled.agency)
    others = {id_of(peopled, "author"), id_of(peopled, "approver")} | {str(model.User.get(peopled.names["editor"]).id)}
    told = many.new["people"].split(", ")
    assert others <= set(told)
    assert (id_of(peopled, "administrator") in told, many.new["count"]) == (False, len(told))


def test_no_value_that_was_read_stands_in_the_note(peopled: World) -> None:
    before = last()
    ask(peopled, "administrator", "GET", "/staff/invitations")
    found = noted_after(before, id_of(peopled, "administrator"))[0]
    assert "example.org" not in record_line(found)
    assert (found.object_id, found.agency) == ("kzopen_staff_invitations.index", peopled.agency)


def record_line(event: Event) -> str:
    return str(record.as_dict(event))


@pytest.mark.parametrize("path", ["/account", "/user/{author}", "/dataset/", ACTION + "user_show?id={author}"])
def test_who_looks_at_oneself_or_at_nobody_is_not_noted(peopled: World, path: str) -> None:
    before = last()
    assert ask(peopled, "author", "GET", path.format_map(named(peopled))).status_code in (200, 302)
    assert noted_after(before, id_of(peopled, "author")) == []


# Pages that name people of the staff as those who have done something publicly: the stream of activities of CKAN.
# CKAN breaks on bulk processing of a group (see test_ckan_routes.py), which shows nobody.
LEFT_OUT = re.compile(r"(activity|dashboard)\.|.*\.(changes|changes_multiple|activity|history)$|group\.bulk_process$")


def pages(world: World, sections: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for rule in world.app.flask_app.url_map.iter_rules():
        section = "our_routes" if matrix.is_ours(rule.endpoint) else "ckan_routes"
        if section in sections and "GET" in rule.methods and not LEFT_OUT.match(rule.endpoint):
            for row in matrix.matching(section, rule.endpoint, "GET")[:1]:
                yield rule.endpoint, address(rule, world, world.datasets["public"]) + (f"?{row.query}" if row.query else "")


@pytest.mark.parametrize(
    ("level", "sections"),
    [
        pytest.param("operator", ("our_routes", "ckan_routes"), id="operator", marks=pytest.mark.long),  # shown most by CKAN
        pytest.param("administrator", ("our_routes",), id="administrator"),
        pytest.param("administrator", ("ckan_routes",), id="administrator-ckan", marks=pytest.mark.long),
    ],
)
def test_no_page_shows_somebody_without_a_note(peopled: World, level: str, sections: tuple[str, ...]) -> None:
    me = id_of(peopled, level)
    others = [name for who, name in peopled.names.items() if name and who != level]
    silent = []
    for endpoint, path in pages(peopled, sections):
        before = last()
        answer = ask(peopled, level, "GET", path)
        text = answer.get_data().decode("utf-8", "replace") if answer.status_code == 200 else ""
        if any(name in text for name in others) and not noted_after(before, me):
            silent.append(f"{endpoint} {path}")
    assert not silent, "\n".join(silent)
