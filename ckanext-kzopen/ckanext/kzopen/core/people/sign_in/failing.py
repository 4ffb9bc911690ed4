"""A sign-in that failed is an event: in a transaction of its own, since the request's is rolled back.

It is written when the answer has gone out, so that its time does not tell whether it was written and there is an account.
"""

from __future__ import annotations

import logging
from functools import partial

from ckan import model
from ckanext.kzopen.core.people.throttle import Limit, within
from ckanext.kzopen.core.record.events import write_event
from flask import Response, after_this_request, has_request_context
from sqlalchemy import Engine
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

# An attack must not fill the log. Names that strangers invent have a limit together: there is no end to them.
OF_ONE = Limit("sign-in-failed-events", 10, 3600)
OF_NOBODY = Limit("sign-in-failed-events-of-nobody", 500, 3600)


def note(subject: str, user_id: str, by: str, address: str) -> None:
    """Tell the log that `subject` could not sign in `by` this way; `user_id` is "" where there is no such account.

    What was typed is not told: people type passwords and strangers' e-mails there.
    """
    write = partial(_write, model.Session.get_bind(), subject, user_id, by, address)
    if not has_request_context():
        write()
        return

    @after_this_request
    def later(response: Response) -> Response:
        response.call_on_close(write)
        return response


def _write(engine: Engine, subject: str, user_id: str, by: str, address: str) -> None:
    try:
        if not within(OF_ONE, subject) or (not user_id and not within(OF_NOBODY, "")):
            return
        with Session(engine) as own:
            told = {"by": by}
            write_event(own, kind="account", object_id=user_id, verb="sign_in_failed", actor=None, address=address, new=told)
            own.commit()
    except Exception:
        log.exception("a failed sign-in was not written")
