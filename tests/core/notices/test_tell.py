"""Who is told of what: followers of the thing, its agency, section, kind and words; once; nobody who may not see it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from ckanext.kzopen.core import notices
from ckanext.kzopen.core.agencies import ownership
from ckanext.kzopen.core.notices import subscriptions
from ckanext.kzopen.core.web import KzError
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.core.notices.conftest import KIND, Follow, mails, person, readers, tell, values

pytestmark = pytest.mark.usefixtures("private")


def agency(session: Session, parent: str | None = None) -> str:
    """The id of an agency under another one."""
    made = f"agency-{uuid4().hex[:8]}"
    session.execute(
        text("INSERT INTO kzopen.agency (id, address, state, kind, parent) VALUES (:id, :id, 'active', 'other', :parent)"),
        {"id": made, "parent": parent},
    )
    return made


@pytest.mark.parametrize(
    ("what", "target", "told"),
    [
        ("thing", "paper:1", True),
        ("thing", "paper:2", False),
        ("section", "papers", True),
        ("section", "others", False),
        ("kind", KIND, True),
        ("kind", "paper.gone", False),
        ("words", "мектеп алматы", True),
        ("words", "МЕКТЕП", True),
        ("words", "мектеп астана", False),
    ],
)
def test_followers_are_told(session: Session, follow: Follow, what: str, target: str, told: bool) -> None:
    follow("reader", what, target)
    news = tell(session, section="papers", words=["Алматы мектептері", "Школы Алматы"])
    assert ("reader" in readers(session, news)) == told


def test_followers_of_an_agency_hear_of_those_under_it(session: Session, follow: Follow) -> None:
    ministry = agency(session)
    committee, other = agency(session, ministry), agency(session)
    follow("of the ministry", "agency", ministry)
    follow("of the committee", "agency", committee)
    follow("of another", "agency", other)
    assert set(readers(session, tell(session, agency=committee))) == {"of the ministry", "of the committee"}
    assert set(readers(session, tell(session, agency=ministry))) == {"of the ministry"}


def test_who_follows_in_three_ways_is_told_once_and_in_the_quickest_way(session: Session, follow: Follow) -> None:
    follow("reader", "thing", "paper:1", "feed")
    follow("reader", "section", "papers", "at_once")
    follow("reader", "kind", KIND, "daily")
    assert readers(session, tell(session, section="papers")) == {"reader": "at_once"}


def test_the_same_thing_is_told_once_however_often_it_is_read(session: Session, follow: Follow) -> None:
    follow(person(session), "thing", "paper:1", "at_once")
    assert tell(session, key="outbox:1") is not None
    assert tell(session, key="outbox:1") is None
    assert len(mails(session)) == 1


def test_a_person_without_the_right_is_not_told_of_a_private_thing(
    session: Session, follow: Follow, private: set[str]
) -> None:
    follow("insider", "thing", "paper:1", "at_once")
    follow("outsider", "thing", "paper:1", "at_once")
    subscriptions._follow(session, "citizen@example.org", "thing", "paper:1", "at_once", "ru", confirmed=True)
    assert set(readers(session, tell(session))) == {"insider", "outsider", "citizen@example.org"}
    private.add("1")
    assert set(readers(session, tell(session, people=["outsider"]))) == {"insider"}


def test_of_a_kind_of_thing_that_nobody_spoke_for_nobody_is_told(session: Session, follow: Follow) -> None:
    follow("reader", "thing", "secret:1")
    assert readers(session, tell(session, "secret:1")) == {}


def test_people_are_told_of_what_concerns_them_as_they_wish(session: Session, follow: Follow) -> None:
    follow("quiet", "personal", "", "feed")
    follow("follower", "thing", "paper:1")
    news = tell(session, people=["quiet", "plain"], followers=False)
    assert readers(session, news) == {"quiet": "feed", "plain": "at_once"}


def test_a_mail_at_once_is_in_the_readers_language_and_says_how_to_stop(session: Session, follow: Follow) -> None:
    reader = person(session, "aigul")
    follow(reader, "thing", "paper:1", "at_once", "kk")
    tell(session, values=values("Жаңа қағаз"))
    [mail] = mails(session)
    assert (mail.recipient, mail.language, mail.person, mail.subject) == ("aigul@example.org", "kk", reader, "Жаңа қағаз")
    assert mail.unsubscribe in mail.text
    assert "Бұл туралы хат алғыңыз келмесе" in mail.text
    assert mail.about == ["paper:1"]


def test_an_account_without_a_usable_address_is_told_in_the_portal_only(session: Session, follow: Follow) -> None:
    reader = person(session)
    session.execute(text("""UPDATE "user" SET email = 'x@localhost' WHERE id = :id"""), {"id": reader})
    follow(reader, "thing", "paper:1", "at_once")
    assert readers(session, tell(session)) == {reader: "at_once"}
    assert mails(session) == []


def test_nothing_is_told_when_the_transaction_is_rolled_back(session: Session, follow: Follow) -> None:
    follow(person(session), "thing", "paper:1", "at_once")
    with session.begin_nested() as inner:
        tell(session, key="rolled back")
        inner.rollback()
    assert mails(session) == []
    assert tell(session, key="rolled back") is not None


def test_a_withdrawn_thing_is_in_no_mail_any_more(session: Session, follow: Follow) -> None:
    follow(person(session), "thing", "paper:withdrawn", "at_once")
    tell(session, "paper:withdrawn")
    assert not notices.is_out(session, ["paper:withdrawn"])
    assert notices.take_out(session, ["paper:withdrawn"], "order 5") == 1
    assert notices.is_out(session, ["paper:withdrawn"])
    assert mails(session) == []


@pytest.mark.parametrize("words", ["", "  ", "!!! ''", "&|"])
def test_words_without_a_word_cannot_be_followed(session: Session, follow: Follow, words: str) -> None:
    with pytest.raises(KzError) as raised:
        follow("reader", "words", words)
    assert raised.value.code == "notices.no_words"


@pytest.mark.parametrize("words", ["a:* | b", "it's (a) <b> !c", "мектеп\\ & *", "x" * 300, "²³ ½ a_b"])
def test_words_are_never_taken_for_the_language_of_queries(session: Session, follow: Follow, words: str) -> None:
    follow("reader", "words", words)
    tell(session, words=["nothing of it"])


def test_who_followed_an_agency_follows_its_successor(session: Session, follow: Follow) -> None:
    old, new = agency(session), agency(session)
    follow("of the old", "agency", old, "at_once")
    follow("of both", "agency", old, "at_once")
    follow("of both", "agency", new, "daily")
    assert [ownership.hand_over(session, old, new)["followers"] for _ in range(2)] == [1, 0]
    assert readers(session, tell(session, agency=new)) == {"of the old": "at_once", "of both": "daily"}


def test_nothing_is_kept_of_readers_whose_account_is_gone(session: Session, follow: Follow) -> None:
    stays = person(session)
    follow(stays, "section", "papers")
    follow("gone", "section", "papers")
    subscriptions._follow(session, "citizen@example.org", "section", "papers", "daily", "ru", confirmed=True)
    news = tell(session, section="papers")
    subscriptions.tidy(session)
    assert set(readers(session, news)) == {stays, "citizen@example.org"}
    assert subscriptions.of_reader(session, "gone") == []
