"""Addresses that take no mail: learnt from the mail server's refusals and from reports that come back (RFC 3464)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from uuid import UUID

from ckanext.kzopen.core.mail.addresses import same
from ckanext.kzopen.core.mail.office import is_dead_status
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.mail.tables import DeadAddress, Mail
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

_OURS = re.compile(r"<([0-9a-f]{32})@[^>\s]+>")
_ACTION_FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """What a report says of one recipient: the key of our mail, to whom, RFC 3463 status, the remote server's words."""

    key: UUID
    recipient: str
    status: str
    words: str


def reports_in(raw: bytes) -> list[Report]:
    """The permanent failures that a delivery status notification tells of; empty for any other message.

    A report without the Message-ID of a mail of ours is not believed: anybody can write one.
    """
    message = message_from_bytes(raw)
    key = _key_of(message)
    if message.get_content_type() != "multipart/report" or key is None:
        return []
    return [report for part in _recipients(message) if (report := _report(part, key)) is not None]


def _recipients(message: Message) -> Iterator[Message]:
    """The groups of a message/delivery-status part, one a recipient; the first group is of the message as a whole."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            groups = part.get_payload()
            yield from (group for group in groups if isinstance(group, Message)) if isinstance(groups, list) else ()


def _report(group: Message, key: UUID) -> Report | None:
    recipient = str(group.get("Original-Recipient") or group.get("Final-Recipient") or "").partition(";")[2].strip()
    status = str(group.get("Status", "")).split(" ")[0].strip()
    if str(group.get("Action", "")).strip().lower() != _ACTION_FAILED or not recipient or not status.startswith("5."):
        return None
    words = " ".join(str(group.get("Diagnostic-Code", "")).split())[:500]
    return Report(key, recipient, status, words)


def _key_of(message: Message) -> UUID | None:
    """The key in the Message-ID of the mail that is reported on, from the copy of its headers."""
    for part in message.walk():
        if part is not message and part.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/global"):
            found = _OURS.search(_original(part))
            if found:
                return UUID(found.group(1))
    return None


def _original(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        return str(payload[0].get("Message-ID", "")) if isinstance(payload[0], Message) else ""
    text = part.get_payload(decode=True)
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else ""


def take(session: AnySession, raw: bytes) -> list[str]:
    """Mark the addresses that a report declares dead; returns them. Only the recipient of the very mail is believed."""
    marked = []
    for report in reports_in(raw):
        recipient = session.scalar(select(Mail.recipient).where(Mail.key == report.key))
        if recipient is None or same(recipient) != same(report.recipient) or not is_dead_status(0, report.status):
            continue
        mark(session, recipient, f"{report.status} {report.words}".strip())
        marked.append(recipient)
    return marked


def mark(session: AnySession, address: str, reason: str) -> None:
    """Note that nobody has this address; mails that nobody asked for at this moment are not sent to it any more."""
    noted = insert(DeadAddress).values(address=same(address), reason=reason)
    # A mail of confirmation is sent all the same: when it too comes back, its owner reads of the newest time.
    session.execute(noted.on_conflict_do_update(index_elements=["address"], set_={"at": func.now(), "reason": reason}))


def came_back(session: AnySession, address: str) -> DeadAddress | None:
    """When mail to the address came back, and what was said of it; None for an address that takes mail."""
    return session.scalars(select(DeadAddress).where(DeadAddress.address == same(address))).first()


def is_dead(session: AnySession, address: str) -> bool:
    return came_back(session, address) is not None


def revive(session: AnySession, address: str) -> None:
    """The address works again, because its owner has used a link that was sent to it."""
    session.execute(delete(DeadAddress).where(DeadAddress.address == same(address)))
