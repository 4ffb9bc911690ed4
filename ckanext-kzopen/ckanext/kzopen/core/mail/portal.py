"""Mail of the running portal: its mail server and sender, from CKAN's configuration; mails that CKAN itself writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.mail.messages import Sender
from ckanext.kzopen.core.mail.office import Office, office_of
from ckanext.kzopen.core.mail.queue import queue
from ckanext.kzopen.core.web.problem import request_language
from flask import has_request_context


def office() -> Office | None:
    """The mail server of the settings; None when none is set, and mails wait."""
    return office_of(tk.config["kzopen.smtp_url"], tk.config["kzopen.smtp_ca"])


def sender() -> Sender:
    return Sender(tk.config["kzopen.mail_from"], tk.config["ckan.site_title"])


def queue_for_ckan(address: str, subject: str, body: str, attachments: Iterable[Any] | None) -> bool:
    """Queue a mail that CKAN wrote, so that there is one way out; False for one with attachments, which we do not send."""
    if attachments:
        return False
    language = request_language() if has_request_context() else tk.config["ckan.locale_default"]
    queue(model.Session, template="core.plain", to=address, language=language, values={"subject": subject, "text": body})
    model.Session.commit()
    return True
