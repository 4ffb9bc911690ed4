"""Deleting an account: what is personal is erased at once, public words stay without the name (`schemas/people.yaml`).

Kept are the account's id, which says nothing by itself, and under it the event log with the addresses that requests came from,
for as long as `schemas/keeping.yaml` says. Backups forget with their age.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.levels.rules import rules
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.record.events import AnySession, write_event
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import text

Erase = Callable[[AnySession, str], None]
_erasers: dict[str, Erase] = {}
_OURS = ("account", "identity_level", "second_factor", "recovery_code", "linked_identity", "link")
_THEIRS = (
    "DELETE FROM api_token WHERE user_id = :person",
    "DELETE FROM dashboard WHERE user_id = :person",
    "DELETE FROM user_following_dataset WHERE follower_id = :person",
    "DELETE FROM user_following_group WHERE follower_id = :person",
    "DELETE FROM user_following_user WHERE follower_id = :person OR object_id = :person",
    "UPDATE member SET state = 'deleted' WHERE table_name = 'user' AND table_id = :person",
)
FORGET = "people.forget"
"""The task that erases once more what a transaction wrote that did not see the deletion: news told at that very moment."""
WRITTEN_BY_THEN = timedelta(minutes=1)
_MAILS = "DELETE FROM kzopen.mail WHERE person = :person OR lower(recipient) = :email"
_LINKS = "DELETE FROM kzopen.link WHERE lower(email) = :email"
_INVITATIONS = (
    "UPDATE kzopen.invitation SET name = '', email = '',"
    " withdrawn = CASE WHEN accepted IS NULL THEN coalesce(withdrawn, now()) ELSE withdrawn END"
    " WHERE person = :person OR lower(email) = :email"
)
"""The row stays for the events that tell of it; a link that waits for an answer ends."""


def register(name: str, erase: Erase) -> None:
    """Let a section erase what it keeps of a person, in the same transaction; the same name again replaces it."""
    _erasers[name] = erase


def delete(session: AnySession, user: model.User, actor: str, address: str | None) -> None:
    """Erase the person in the caller's transaction; KzError people.holds_roles for one who works in an agency.

    Unsent mails go too, and sessions end, whether or not the caller commits: then the person signs in again.
    """
    if rights.roles_of(user.id):
        raise KzError("people.holds_roles")
    told = {"person": user.id, "email": (user.email or "").lower()}
    _erase_sections(session, user.id)
    for table in _OURS:
        session.execute(text(f"DELETE FROM kzopen.{table} WHERE user_id = :person"), told)  # noqa: S608 - constants
    for statement in (*_THEIRS, _MAILS, _LINKS, _INVITATIONS):
        session.execute(text(statement), told)
    _empty(user)
    write_event(session, kind="account", object_id=user.id, verb="delete", actor=actor, address=address)
    jobs.defer(session, FORGET, at=datetime.now(UTC) + WRITTEN_BY_THEN, person=user.id)
    session.flush()
    store.end_all(user.id)


def forget(session: AnySession, person: str) -> None:
    """Erase what sections and mails have written of a person since the account was deleted, in the caller's transaction."""
    _erase_sections(session, person)
    session.execute(text(_MAILS), {"person": person, "email": None})


def _erase_sections(session: AnySession, person: str) -> None:
    for erase in _erasers.values():
        erase(session, person)


def _empty(user: model.User) -> None:
    """The row stays, for what points at it; nothing in it is the person's."""
    user.name = f"deleted-{secrets.token_hex(8)}"
    user.fullname = user.email = user.about = user.image_url = user.reset_key = user.apikey = None
    user.plugin_extras, user.last_active, user.sysadmin = None, None, False
    user.password = secrets.token_urlsafe(48)
    user.state = model.State.DELETED


def shown_name(session: AnySession, user_id: str | None, language: str) -> str:
    """The name that stands beside a person's public words; that of a deleted account is the rule's."""
    user = session.get(model.User, user_id) if user_id else None
    if user is None or user.state == model.State.DELETED:
        return in_language(rules().deletion.name, language)
    return str(user.fullname or user.name)
