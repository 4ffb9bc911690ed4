"""A worker that dies at a chosen point of sending: it kills itself with -9 there."""

from __future__ import annotations

import os
import signal
import smtplib
from typing import Any

from ckanext.kzopen.core.mail import sending
from ckanext.kzopen.core.mail.office import Office
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests.core.mail.conftest import SENDER

POINTS = ("mail locked", "connected", "envelope told", "marked as sending", "text given", "answer read", "written down")
_text_given = False


def send_and_die(database: str, port: int, point: str) -> None:
    """Send what is due and die at `point`; runs in a process of its own."""
    _watch_text()
    _die_at(point)
    with Session(create_engine(database)) as session:
        sending.send_due(session, Office("127.0.0.1", port, "none"), SENDER)


def _die_at(point: str) -> None:
    """Replace the function at the point by one that ends the process, before it or after it."""
    module, name, before = {
        "mail locked": (sending, "opened", True),
        "connected": (smtplib.SMTP, "ehlo_or_helo_if_needed", False),
        "envelope told": (smtplib.SMTP, "docmd", False),
        "marked as sending": (smtplib.SMTP, "send", True),
        "text given": (smtplib.SMTP, "getreply", True),
        "answer read": (sending, "settle", True),
        "written down": (sending, "settle", False),
    }[point]
    original = getattr(module, name)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if not _is_here(point, args):
            return original(*args, **kwargs)
        if not before:
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, name, deadly)


def _is_here(point: str, args: tuple[Any, ...]) -> bool:
    """smtplib sends and reads for every command; the points of the text are at the one that ends with a dot alone."""
    if point == "marked as sending":
        return _ends_text(args[-1])
    if point == "text given":
        return _text_given
    return point != "envelope told" or args[1] == "data"


def _ends_text(data: object) -> bool:
    return isinstance(data, bytes) and data.endswith(b"\r\n.\r\n")


def _watch_text() -> None:
    """Note when the whole text has been given to the server."""
    original = smtplib.SMTP.send

    def send(self: smtplib.SMTP, data: Any) -> None:
        global _text_given
        original(self, data)
        _text_given = _ends_text(data)

    smtplib.SMTP.send = send  # type: ignore[method-assign]
