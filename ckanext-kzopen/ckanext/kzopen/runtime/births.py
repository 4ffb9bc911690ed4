"""The fork server as the supervisor sees it: a socket on which a process is ordered, see `forkserver`."""

from __future__ import annotations

import json
import os
import select
import socket
from pathlib import Path

from ckanext.kzopen.runtime.parenthood import Adopted
from ckanext.kzopen.runtime.processes import Process

ANSWERS_WITHIN = 10.0
"""Seconds for a fork."""


class Births:
    """Orders processes of the fork server that was started last."""

    def __init__(self) -> None:
        self._ours: socket.socket | None = None
        self._ready = False

    def line(self) -> socket.socket:
        """The end of a new line, for the fork server that is about to be started."""
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(ANSWERS_WITHIN)
        self._ready = False
        return theirs

    def ready(self) -> bool:
        """Whether the fork server has loaded CKAN."""
        if not self._ready and self._ours is not None and select.select([self._ours], [], [], 0)[0]:
            self._ready = bool(self._said())
        return self._ready

    def born(self, process: Process, log: Path) -> Adopted | None:
        """A new process of that kind, a child of this one; None when the fork server has just died."""
        if self._ours is None:
            return None
        order = {"role": process.role, "name": process.name, "log": str(log), "stop_signal": int(process.stop_signal)}
        order |= {"environment": process.environment, "parent": os.getpid()}
        try:
            self._ours.sendall((json.dumps(order) + "\n").encode())
            said = self._said()
        except OSError:
            said = ""
        if not said:
            self._ready = False
        return Adopted(int(said)) if said else None

    def _said(self) -> str:
        """A line; empty when nobody is at the other end."""
        assert self._ours is not None  # noqa: S101 - asked by those who have a line
        said = b""
        while not said.endswith(b"\n"):
            try:
                some = self._ours.recv(64)
            except ConnectionError:
                return ""
            if not some:
                return ""
            said += some
        return said.decode().strip()
