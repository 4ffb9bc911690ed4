"""Whose password it is: throttled by account and by address, and the same answer whether or not the account exists."""

from __future__ import annotations

from functools import cache

from ckan import model
from ckanext.kzopen.core.people import throttle
from ckanext.kzopen.core.people.sign_in import failing
from ckanext.kzopen.core.people.throttle import Limit
from ckanext.kzopen.core.web.errors import KzError
from passlib.hash import pbkdf2_sha512
from sqlalchemy import func, select

# An office of many people stands behind one address: good tries do not count there.
BY_ADDRESS = Limit("sign-in-address", 50, 15 * 60)
BY_BOTH = Limit("sign-in-account-and-address", 5, 15 * 60)
# Many addresses that try one account. Whoever knows the name could lock its owner out, so it is not tight.
BY_ACCOUNT = Limit("sign-in-account", 50, 60 * 60)
LONGEST = 1000  # characters of a password that are hashed: a longer text is an attack on the processor


def signed_in_by(login: str, password: str, address: str) -> model.User:
    """The active account with this name or e-mail and this password.

    KzError people.wrong_password, people.too_many_tries, web.unavailable.
    """
    found = account(login)
    subject = found.id if found else login.strip().lower()
    counted = ((BY_ADDRESS, address), (BY_BOTH, f"{subject} {address}"), (BY_ACCOUNT, subject))
    for limit, whom in counted:
        throttle.count(limit, whom)
    if not is_password_of(found, password) or found is None:
        failing.note(subject, found.id if found else "", "password", address)
        raise KzError("people.wrong_password")
    throttle.forget(*counted[1])
    throttle.take_back(*counted[0])
    throttle.take_back(*counted[2])
    return found


def account(login: str) -> model.User | None:
    """The active account of a name or an e-mail, whatever the e-mail's case; names have no @."""
    wanted = login.strip()
    by = func.lower(model.User.email) == wanted.lower() if "@" in wanted else model.User.name == wanted
    query = select(model.User).where(by, model.User.state == model.State.ACTIVE).limit(1)
    found: model.User | None = model.Session.scalars(query).first()
    return found


def is_password_of(user: model.User | None, password: str) -> bool:
    """Whether the password is the account's; takes as long where there is no account."""
    given = password[:LONGEST]
    if user is None or not user.password:
        pbkdf2_sha512.verify(given, _nobodys())
        return False
    return len(password) <= LONGEST and bool(user.validate_password(given))


@cache
def _nobodys() -> str:
    return str(pbkdf2_sha512.hash("nobody's"))
