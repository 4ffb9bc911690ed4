"""Mails of notices are in the account's language of mails; those to other addresses in that of the page they followed on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ckan import model
from ckanext.kzopen.core.notices import digest, searches, subscriptions
from ckanext.kzopen.core.people.accounts import changing
from ckanext.kzopen.core.people.accounts.model import Account
from sqlalchemy.orm import Session

from tests.core.notices.conftest import Follow, mails, person, tell
from tests.core.notices.test_digest import only_ours

__all__ = ["only_ours"]

pytestmark = pytest.mark.usefixtures("private", "only_ours")
FOLLOWED = "ru"


def account(session: Session, language: str = "en") -> str:
    """The id of an account whose owner has chosen a language of mails."""
    made = person(session)
    session.add(Account(user_id=made, language=language))
    session.flush()
    return made


def languages(session: Session) -> list[str]:
    return [mail.language for mail in mails(session)]


def test_two_subscriptions_followed_in_two_languages_make_a_digest_in_the_accounts(session: Session, follow: Follow) -> None:
    reader = account(session)
    follow(reader, "section", "papers", "daily", "kk")
    follow(reader, "thing", "paper:2", "daily", "ru")
    tell(session, "paper:1", section="papers")
    tell(session, "paper:2")
    digest.compose_all(session)
    assert languages(session) == ["en"]


def test_a_digest_to_an_address_is_in_the_language_of_the_page_where_it_followed_last(
    session: Session, follow: Follow
) -> None:
    follow("aigul@example.org", "section", "papers", "daily", "ru")
    follow("aigul@example.org", "thing", "paper:2", "daily", "kk")
    tell(session, "paper:1", section="papers")
    tell(session, "paper:2")
    digest.compose_all(session)
    assert languages(session) == ["kk"]


def test_a_changed_language_of_mails_holds_for_what_is_followed_and_already_told(session: Session, follow: Follow) -> None:
    reader = account(session, "ru")
    follow(reader, "section", "papers", "daily", "ru")
    follow(reader, "thing", "paper:2", "at_once", "ru")
    tell(session, "paper:1", section="papers")
    changing.set_profile(session, session.get_one(model.User, reader), "Айгүл", "kk", "203.0.113.7")
    session.flush()
    tell(session, "paper:2")
    digest.compose_all(session)
    assert languages(session) == ["kk", "kk"]


@pytest.mark.parametrize("way", ["a thing", "in person", "a saved search"])
def test_a_mail_at_once_is_in_the_accounts_language(session: Session, follow: Follow, way: str) -> None:
    reader = account(session)
    if way == "in person":
        follow(reader, "personal", "", "at_once", FOLLOWED)
        tell(session, people=[reader], followers=False)
    elif way == "a saved search":
        number = follow(reader, searches.WHAT, "q=paper", "at_once", FOLLOWED)
        tell(session, followers=False, found=(datetime.now(UTC), [number]))
    else:
        follow(reader, "thing", "paper:1", "at_once", FOLLOWED)
        tell(session)
    assert languages(session) == ["en"]


def test_who_stops_all_mails_keeps_the_language(session: Session, follow: Follow) -> None:
    reader, other = person(session), account(session, "ru")
    follow(reader, "personal", "", "at_once", "ru")
    for one in (reader, other):
        subscriptions.stop_mails(session, one, None)
        row = subscriptions.find(session, one, "personal", "")
        assert row is not None
        assert (row.how, row.language) == ("feed", "ru")
