"""The daily digest: one mail a reader, each piece of news in one digest only, nothing that the reader may not see by then."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core import notices
from ckanext.kzopen.core.notices import digest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.core.notices.conftest import Follow, mails, person, tell, values

pytestmark = pytest.mark.usefixtures("private", "only_ours")


@pytest.fixture
def only_ours(session: Session) -> None:
    """What others were told counts as mailed, and until the end of the test the worker tells nobody anything."""
    session.execute(text("LOCK TABLE kzopen.notice IN EXCLUSIVE MODE"))
    session.execute(text("UPDATE kzopen.notice SET mailed = 'before' WHERE mailed IS NULL"))


def test_a_reader_gets_one_mail_with_all_that_is_new(session: Session, follow: Follow) -> None:
    reader = person(session, "bota")
    follow(reader, "section", "papers", "daily", "ru")
    for n in range(3):
        tell(session, f"paper:{n}", section="papers", values=values(f"Бумага {n}", f"/paper/{n}"))
    assert mails(session) == []
    assert digest.compose_all(session) == 1
    [mail] = mails(session)
    assert (mail.recipient, mail.subject) == ("bota@example.org", "Новое на портале: 3")
    places = [mail.text.index(f"Бумага {n}\nhttp") for n in (2, 1, 0)]
    assert places == sorted(places)
    assert "/ru/paper/0\n" in mail.text
    assert set(mail.about) == {"paper:0", "paper:1", "paper:2"}
    assert "/unsubscribe/" in mail.unsubscribe


def test_the_next_digest_has_only_what_came_since(session: Session, follow: Follow) -> None:
    follow(person(session), "section", "papers")
    tell(session, section="papers", values=values("First"))
    digest.compose_all(session)
    assert digest.compose_all(session) == 0
    tell(session, section="papers", values=values("Second"))
    assert digest.compose_all(session) == 1
    assert ["First" in mail.text for mail in mails(session)] == [True, False]


def test_what_became_private_or_was_withdrawn_is_left_out(session: Session, follow: Follow, private: set[str]) -> None:
    follow(person(session), "section", "papers")
    for n in range(3):
        tell(session, f"paper:{n}", section="papers", values=values(f"Paper {n}"))
    private.add("0")
    notices.take_out(session, ["paper:1"], "order 5")
    assert digest.compose_all(session) == 1
    [mail] = mails(session)
    assert [f"Paper {n}" in mail.text for n in range(3)] == [False, False, True]


def test_nothing_left_to_tell_makes_no_mail(session: Session, follow: Follow, private: set[str]) -> None:
    follow(person(session), "section", "papers")
    tell(session, section="papers")
    private.add("1")
    assert digest.compose_all(session) == 0


def test_a_withdrawal_stops_an_unsent_digest_and_the_rest_of_it_comes_with_the_next(session: Session, follow: Follow) -> None:
    follow(person(session), "section", "papers")
    for n in range(2):
        tell(session, f"paper:{n}", section="papers", values=values(f"Paper {n}"))
    digest.compose_all(session)
    assert notices.take_out(session, ["paper:0"], "order 5") == 1
    assert mails(session) == []
    assert digest.compose_all(session) == 1
    [mail] = mails(session)
    assert [f"Paper {n}" in mail.text for n in range(2)] == [False, True]


def test_a_long_digest_says_how_many_more(session: Session, follow: Follow) -> None:
    follow(person(session), "section", "papers", "daily", "en")
    for n in range(digest.LONGEST + 2):
        tell(session, f"paper:{n}", section="papers", values=values(f"Paper {n}."))
    digest.compose_all(session)
    [mail] = mails(session)
    assert mail.text.count("Paper ") == digest.LONGEST
    assert "And 2 more: http" in mail.text


def test_readers_are_taken_in_batches(session: Session, follow: Follow) -> None:
    people = [person(session) for _ in range(5)]
    for one in people:
        follow(one, "section", "papers")
    tell(session, section="papers")
    assert [digest.compose(session, "", 2) for _ in range(4)] == [(2, 2), (2, 2), (1, 1), (0, 0)]
    assert {mail.person for mail in mails(session)} == set(people)
