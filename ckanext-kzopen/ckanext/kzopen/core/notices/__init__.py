"""Notices: who wants to be told of what, and that they were, once.

    notices.on("delivery.accept", tell_of_version)             what happened (outbox) becomes news
    notices.visible("package", who_may_see)                    who may be told of things of a kind
    notices.tell(session, "dataset.version", "package:…", agency=…, values={"title": …, "link": "/dataset/…"}, key=…)

A kind of notice is a mail template (`core.mail`) of that name: its subject is the sentence in the bell, the digest and the
feed, its text the mail. `values` holds at least `link`, a path of the portal.
"""

from pathlib import Path

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.notices import handover
from ckanext.kzopen.core.notices.reading import Telling, on
from ckanext.kzopen.core.notices.telling import tell
from ckanext.kzopen.core.notices.visibility import visible
from ckanext.kzopen.core.notices.withdrawing import forget_reader, is_out, take_out
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))
mail.templates(Path(__file__).with_name("mail"))
handover.register()

__all__ = ["Telling", "forget_reader", "is_out", "on", "take_out", "tell", "visible"]
