"""The event log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from ckanext.kzopen.core.record import Event, as_dict, events, json_lines, read_of_personal_data, write_event
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def write(session: Session, object_id: str, verb: str = "change", **more: Any) -> int:
    return write_event(session, kind="test", object_id=object_id, verb=verb, **({"actor": "user-1", "at": AT} | more))


def test_an_event_is_told_as_it_was_written(session: Session) -> None:
    number = write(session, "a", address="203.0.113.7", agency="agency-1", old={"n": 1}, new={"n": 2}, reason="because")
    (event,) = events(session, kind="test", object_id="a")
    assert as_dict(event) == {
        "id": number,
        "at": "2026-03-05T09:30:00+00:00",
        "actor": "user-1",
        "in_place_of": None,
        "address": "203.0.113.7",
        "agency": "agency-1",
        "kind": "test",
        "object_id": "a",
        "verb": "change",
        "old": {"n": 1},
        "new": {"n": 2},
        "reason": "because",
    }


def test_without_a_time_the_database_gives_its_own(session: Session) -> None:
    write(session, "a", at=None)
    (event,) = events(session, kind="test", object_id="a")
    assert abs((datetime.now(UTC) - event.at).total_seconds()) < 60


def test_events_are_chosen_by_object_person_agency_verb_and_time(session: Session) -> None:
    first = write(session, "a")
    second = write(session, "a", actor="user-2", at=datetime(2026, 3, 6, tzinfo=UTC))
    third = write(session, "b", verb="close", agency="agency-1", actor="user-3", in_place_of="user-1")

    def chosen(**filters: Any) -> list[int]:
        return [event.id for event in events(session, kind="test", **filters)]

    assert chosen(object_id="a") == [first, second]
    assert chosen(actor="user-1") == [first, third]
    assert chosen(since=datetime(2026, 3, 6, tzinfo=UTC)) == [second]
    assert chosen(until=datetime(2026, 3, 6, tzinfo=UTC)) == [first, third]
    assert chosen(after=first, limit=1) == [second]
    assert chosen(before=third, limit=1, newest_first=True) == [second]
    assert chosen(verb="close") == [third]
    assert chosen(agencies=["agency-1", "agency-2"]) == [third]
    assert chosen(agencies=[]) == []


def test_long_texts_and_structures_are_told_as_their_hash(session: Session) -> None:
    write(session, "a", new={"short": "ok", "long": "x" * 1001, "list": [1, 2], "at": AT})
    (event,) = events(session, kind="test", object_id="a")
    assert event.new == {
        "short": "ok",
        "long": "sha256:ddd4cef8e3bb2222b00985217368c7e3e2c5e7750b09a721d27b14ba5b0033cb",
        "list": "sha256:3a316d6d3226f84c1e46e4447fa8d5fd800bff4a1bc6498152523cd4a602b69b",
        "at": "2026-03-05T09:30:00+00:00",
    }


def test_the_log_is_exported_as_json_lines(session: Session) -> None:
    numbers = [write(session, "a", new={"name": "Қазақстан\nжолы"}) for _ in range(3)]
    lines = list(json_lines(session, kind="test"))
    assert all(line.count("\n") == 1 and line.endswith("\n") for line in lines)
    assert [json.loads(line)["id"] for line in lines] == numbers
    assert json.loads(lines[0])["new"] == {"name": "Қазақстан\nжолы"}


def test_an_event_is_never_changed(session: Session) -> None:
    write(session, "a")
    with pytest.raises(DBAPIError, match=r"rows of kzopen\.event are never changed"):
        session.execute(update(Event).where(Event.kind == "test").values(verb="other"))


def test_from_where_is_the_address_of_the_request(session: Session) -> None:
    with Flask("test").test_request_context(environ_base={"REMOTE_ADDR": "2001:db8::7"}):
        write(session, "a")
    (event,) = events(session, kind="test", object_id="a")
    assert as_dict(event)["address"] == "2001:db8::7"


def test_a_read_of_personal_data_is_noted_without_the_data(session: Session) -> None:
    number = read_of_personal_data(
        session, actor="user-1", kind="test", object_id="person-9", fields=["iin", "email"], reason="appeal 12"
    )
    (event,) = events(session, kind="test", verb="read")
    assert (event.id, event.object_id, event.new, event.reason) == (number, "person-9", {"fields": "email, iin"}, "appeal 12")
