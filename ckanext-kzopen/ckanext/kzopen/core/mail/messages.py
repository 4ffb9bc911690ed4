"""The message that a mail becomes: headers, plain text, and an HTML part made of that text. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from uuid import UUID

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)»”]")


@dataclass(frozen=True)
class Sender:
    """Whom mails come from: an address, the portal's name."""

    address: str
    name: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class Outgoing:
    """A mail as its row in the queue has it."""

    key: UUID
    recipient: str
    language: str
    subject: str
    text: str
    created: datetime
    unsubscribe: str | None = None


def message_id(key: UUID, domain: str) -> str:
    """The Message-ID of a mail, the same at each try, so that a receiver who gets two copies can drop one."""
    return f"<{key.hex}@{domain}>"


def message_of(mail: Outgoing, sender: Sender) -> Message:
    """The message as it is sent. A line break in any value of a header is a ValueError: it would begin another header."""
    message = MIMEMultipart("alternative")
    for name, value in _headers(mail, sender).items():
        if _CONTROL.search(value):
            raise ValueError(f"the header {name} would hold a control character")
        message.add_header(name, value if value.isascii() else Header(value, "utf-8", header_name=name).encode())
    message.attach(MIMEText(mail.text, "plain", "utf-8"))
    message.attach(MIMEText(as_html(mail), "html", "utf-8"))
    return message


def as_sent(message: Message) -> bytes:
    """The message as bytes for the mail server, lines ended by CRLF."""
    return message.as_bytes(policy=compat32.clone(linesep="\r\n"))


def _headers(mail: Outgoing, sender: Sender) -> dict[str, str]:
    # Not email.policy.SMTP: it hides a long address in List-Unsubscribe inside encoded words, and nobody finds it there.
    found = {
        "From": formataddr((sender.name, sender.address)),
        "To": mail.recipient,
        "Subject": mail.subject,
        "Date": format_datetime(mail.created),
        "Message-ID": message_id(mail.key, sender.domain),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no answer of an absent reader
        "X-Auto-Response-Suppress": "All",
        "Content-Language": mail.language,
    }
    if mail.unsubscribe:
        found["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    return found


def as_html(mail: Outgoing) -> str:
    """The text as an HTML document."""
    head = f'<meta charset="utf-8"><title>{html.escape(mail.subject)}</title>'
    return (
        f'<!doctype html>\n<html lang="{mail.language}"><head>{head}</head><body>\n{paragraphs(mail.text)}\n</body></html>\n'
    )


def paragraphs(text: str) -> str:
    """The text as HTML: paragraphs and links, everything escaped, nothing loaded from anywhere."""
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n".join(f"<p>{_linked(part)}</p>" for part in parts if part)


def _linked(text: str) -> str:
    parts, last = [], 0
    for match in _LINK.finditer(text):
        address = html.escape(match.group())
        parts += [html.escape(text[last : match.start()]), f'<a href="{address}">{address}</a>']
        last = match.end()
    return "".join([*parts, html.escape(text[last:])]).replace("\n", "<br>\n")
