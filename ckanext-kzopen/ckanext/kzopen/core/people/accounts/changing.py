"""What owners of accounts change: the password, forgotten or not, the e-mail, the name and the language."""

from __future__ import annotations

from collections.abc import Callable

from ckan import model
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.people.accounts import letters, links, tokens
from ckanext.kzopen.core.people.accounts.model import Account, Link
from ckanext.kzopen.core.people.accounts.signing_up import may_mail, remember_confirmed
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.people.sign_in import linking, providers
from ckanext.kzopen.core.people.sign_in import password as passwords
from ckanext.kzopen.core.people.throttle import Limit, count, forget
from ckanext.kzopen.core.record.events import AnySession, write_event
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import func, select

ASKED_AGAIN = Limit("password-asked-again", 10, 3600)
Renew = Callable[[AnySession, str], None]
_secrets: dict[str, Renew] = {}


def register(name: str, renew: Renew) -> None:
    """Let a section make anew, at recovery, a secret that it gave a person; the same name again replaces it."""
    _secrets[name] = renew


def check_password(user: model.User, password: str) -> None:
    """Whether it is the account's, asked once more of one who is signed in; KzError people.not_your_password."""
    count(ASKED_AGAIN, user.id)
    if not passwords.is_password_of(user, password):
        raise KzError("people.not_your_password")
    forget(ASKED_AGAIN, user.id)


def ask_new_password(session: AnySession, email: str, language: str, address: str) -> None:
    """Mail a link to the owner of the account, if there is one; the caller answers the same in both cases."""
    if not may_mail(email, address):
        return
    user = passwords.account(email) or _invited(email)
    if user and user.email:
        letters.send_link(session, "recover", user.email, language, "new_password", user_id=user.id)


def _invited(email: str) -> model.User | None:
    """An account that waits for its first password."""
    query = select(model.User).where(func.lower(model.User.email) == email.strip().lower(), model.User.state == "pending")
    found: model.User | None = model.Session.scalars(query).first()
    return found


def of_link(link: Link) -> model.User:
    """The account that a link is for; KzError people.link_over where it was deleted meanwhile."""
    user = model.User.get(link.user_id)
    if user is None or user.state == model.State.DELETED:
        raise KzError("people.link_over")
    return user


def recover(session: AnySession, token: str, password: str, address: str) -> model.User:
    """Set the password by a mailed link, which confirms the e-mail too.

    Whatever else opens the account ends, since an intruder may hold it: sessions, tokens, connections, secret addresses.
    """
    link = links.use(session, "recover", token)
    user = of_link(link)
    user.state = model.State.ACTIVE
    remember_confirmed(session, user.id, link.language)
    removed = linking.disconnect_all(session, user.id, address)
    for renew in _secrets.values():
        renew(session, user.id)
    told = ", ".join(_label(name, link.language) for name in removed)
    set_password(session, user, password, user.id, address, revoke=True, recovered=True, connections=told)
    return user


def _label(provider: str, language: str) -> str:
    """Also of one that the portal does not have any more."""
    try:
        return in_language(providers.known(provider).label, language)
    except KzError:
        return provider


def set_password(
    session: AnySession,
    user: model.User,
    password: str,
    actor: str,
    address: str,
    *,
    revoke: bool,
    keep: str = "",
    recovered: bool = False,
    connections: str = "",
) -> None:
    """The new password; all sessions but `keep` and all mailed links end, `revoke` the tokens too, and the owner is told.

    The letter tells what else `recover` did: `recovered`, and the providers whose `connections` are removed.
    """
    user.password = password
    user.reset_key = None
    links.end(session, user.id)
    revoked = tokens.revoke(session, user.id, actor, address) if revoke else 0
    letters.tell(session, user, "password_changed", tokens=revoked, recovered=recovered, connections=connections)
    write_event(session, kind="account", object_id=user.id, verb="change_password", actor=actor, address=address)
    store.end_all(user.id, but=keep)


def ask_email(session: AnySession, user: model.User, email: str, address: str) -> None:
    """Mail a link to the new address; where another account has it nothing is mailed, and the answer is the same."""
    if email.lower() == (user.email or "").lower():
        if not ask_same_email(session, user, address):
            raise KzError("people.same_email")
    elif may_mail(email, address) and passwords.account(email) is None:
        language = letters.language_of(session, user.id)
        letters.send_link(session, "change_email", email, language, "new_email", user_id=user.id)


def ask_same_email(session: AnySession, user: model.User, address: str) -> bool:
    """Whether mails to the account's own address came back; then a link goes there, to show that they arrive again."""
    if not user.email or not mail.is_dead(session, user.email):
        return False
    if may_mail(user.email, address):
        language = letters.language_of(session, user.id)
        letters.send_link(session, "same_email", user.email, language, "same_email", user_id=user.id)
    return True


def confirm_same_email(session: AnySession, token: str, actor: str, address: str) -> None:
    """Mails arrive again at the account's own address; only the owner who is signed in confirms it."""
    user = of_link(links.use(session, "same_email", token))
    if user.id != actor:
        raise KzError("people.link_over")
    write_event(session, kind="account", object_id=user.id, verb="confirm_email", actor=actor, address=address)


def confirm_email(session: AnySession, token: str, actor: str, address: str) -> model.User:
    """The new address takes the place of the old one, which is told; only the owner who is signed in confirms it."""
    link = links.use(session, "change_email", token)
    user = of_link(link)
    if user.id != actor or passwords.account(link.email):
        raise KzError("people.link_over")
    old, user.email = user.email, link.email
    remember_confirmed(session, user.id, link.language)
    links.end(session, user.id)
    if old:
        letters.tell(session, user, "email_changed", email=old)
    write_event(session, kind="account", object_id=user.id, verb="change_email", actor=actor, address=address)
    return user


def set_profile(session: AnySession, user: model.User, fullname: str, language: str, address: str) -> None:
    """The name that others read, and the language of mails."""
    user.fullname = fullname
    account = session.get(Account, user.id)
    if account is None:
        session.add(Account(user_id=user.id, language=language))
    else:
        account.language = language
    write_event(session, kind="account", object_id=user.id, verb="change_profile", actor=user.id, address=address)
