"""A change checks the right that its transition names, by the roles of the actor in the row's agency."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ckanext.kzopen.core import states
from ckanext.kzopen.core.people.assignments.model import Delegation
from ckanext.kzopen.core.record import events
from ckanext.kzopen.core.web import KzError
from sqlalchemy.orm import Session

from tests.core.conftest import Letter
from tests.core.people.rights.conftest import Staff, session, staff  # noqa: F401 - fixtures


def new_letter(session: Session, letters: type[Letter], agency: str) -> Letter:  # noqa: F811
    letter = letters(text="hello", agency_id=agency)
    states.begin(session, "letter", letter, "user-1")
    return letter


def test_the_roles_of_the_actor_decide(session: Session, letters: type[Letter], staff: Staff) -> None:  # noqa: F811
    agency = staff.agency()
    letter, author = new_letter(session, letters, agency), staff.made("author", agency)
    assert states.possible("letter", letter, author) == ["answer"]
    states.change(session, "letter", letter, "answer", author)
    with pytest.raises(KzError) as caught:
        states.change(session, "letter", letter, "close", author, reason="done")
    assert (caught.value.code, letter.state) == ("web.not_allowed", "answered")
    states.change(session, "letter", letter, "close", staff.made("agency_administrator", agency), reason="done")
    assert [event.agency for event in events(session, kind="letter", object_id=letter.id)] == [agency] * 3


@pytest.mark.parametrize("who", ["other_agency", "nobody", "citizen"])
def test_without_a_role_in_the_agency_nothing_is_changed(
    session: Session,  # noqa: F811
    letters: type[Letter],
    staff: Staff,  # noqa: F811
    who: str,
) -> None:
    letter = new_letter(session, letters, staff.agency())
    actors = {"other_agency": staff.made("agency_administrator", staff.agency()), "nobody": "", "citizen": staff.person()}
    assert states.possible("letter", letter, actors[who]) == []
    with pytest.raises(KzError) as caught:
        states.change(session, "letter", letter, "answer", actors[who])
    assert (caught.value.code, letter.state) == ("web.not_allowed", "received")


def test_the_event_tells_in_whose_place_a_substitute_acted(
    session: Session,  # noqa: F811
    letters: type[Letter],
    staff: Staff,  # noqa: F811
) -> None:
    agency = staff.agency()
    away, substitute = staff.made("author", agency), staff.made("author", staff.agency())
    now = datetime.now(UTC)
    dates = {"since": now - timedelta(days=1), "until": now + timedelta(days=1), "delegated_by": away}
    session.add(Delegation(absent=away, substitute=substitute, agency=agency, role="author", **dates))
    letter = new_letter(session, letters, agency)
    states.change(session, "letter", letter, "answer", substitute)
    (event,) = events(session, kind="letter", object_id=letter.id, verb="answer")
    assert (event.actor, event.in_place_of) == (substitute, away)
    assert events(session, actor=away, kind="letter") == [event]
