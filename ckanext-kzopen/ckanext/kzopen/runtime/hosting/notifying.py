"""Telling systemd how far a start has come (sd_notify(3)); without systemd nothing is told."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

VARIABLE = "NOTIFY_SOCKET"


def tell(state: str) -> None:
    """Send one state, such as READY=1 or STOPPING=1, to the service manager that started us, if one did."""
    address = os.environ.get(VARIABLE, "")
    if not address:
        return
    place = f"\0{address[1:]}" if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(state.encode(), place)
