"""What was mailed to somebody: the queue holds it until a mail server takes it, and the portal of the tests has none."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ckan import model
from sqlalchemy import text

_MAILS = text("SELECT template, subject, text FROM kzopen.mail WHERE recipient = :to ORDER BY id")
_LINK = re.compile(r"https?://\S+?(/\S*token=\S+)")


@dataclass(frozen=True)
class Mail:
    """One mail; `link` is the path of the address with a token in it."""

    template: str
    subject: str
    text: str

    @property
    def link(self) -> str:
        found = _LINK.search(self.text)
        assert found, self.text
        return found[1]


def mails_to(address: str) -> list[Mail]:
    model.Session.rollback()
    return [Mail(row.template, row.subject, row.text) for row in model.Session.execute(_MAILS, {"to": address})]
