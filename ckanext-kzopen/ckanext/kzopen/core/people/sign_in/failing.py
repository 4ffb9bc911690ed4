"""A sign-in that failed is an event: in a transaction of its own, since the request's is rolled back."""

from __future__ import annotations

from ckan import model
from ckanext.kzopen.core.people.throttle import Limit, count
from ckanext.kzopen.core.record.events import write_event
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy.orm import Session

# An attack must not fill the log. Names that strangers invent have a limit together: there is no end to them.
OF_ONE = Limit("sign-in-failed-events", 10, 3600)
OF_NOBODY = Limit("sign-in-failed-events-of-nobody", 500, 3600)


def note(subject: str, user_id: str, by: str, address: str) -> None:
    """Tell the log that `subject` could not sign in `by` this way; `user_id` is "" where there is no such account.

    What was typed is not told: people type passwords and strangers' e-mails there.
    """
    if not _within(OF_ONE, subject) or (not user_id and not _within(OF_NOBODY, "")):
        return
    with Session(model.Session.get_bind()) as own:
        told = {"by": by}
        write_event(own, kind="account", object_id=user_id, verb="sign_in_failed", actor=None, address=address, new=told)
        own.commit()


def _within(limit: Limit, subject: str) -> bool:
    try:
        count(limit, subject)
    except KzError as error:
        if error.code != "people.too_many_tries":
            raise
        return False
    return True
