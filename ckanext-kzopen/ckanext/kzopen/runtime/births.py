"""The fork server as the supervisor sees it: a socket on which a process is ordered, see `forkserver`."""

from __future__ import annotations

import json
import os
import select
import socket
from pathlib import Path

from ckanext.kzopen.runtime.forkserver import GO, READY
from ckanext.kzopen.runtime.parenthood import Adopted
from ckanext.kzopen.runtime.processes import Process

ANSWERS_WITHIN = 3.0
"""Seconds for a fork; meanwhile the supervisor looks after nobody."""


class Births:
    """Orders processes of the fork server that was started last."""

    def __init__(self) -> None:
        self._ours: socket.socket | None = None
        self._ready = False

    def line(self) -> socket.socket:
        """The end of a new line, for the fork server that is about to be started."""
        self.hang_up()
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(ANSWERS_WITHIN)
        return theirs

    def hang_up(self) -> None:
        """The fork server is gone, or does not answer: what it still bears never begins."""
        if self._ours is not None:
            self._ours.close()
        self._ours, self._ready = None, False

    def ready(self) -> bool:
        """Whether the fork server has loaded CKAN."""
        if not self._ready and self._ours is not None and select.select([self._ours], [], [], 0)[0]:
            self._ready = self._said() == READY
        return self._ready

    def born(self, process: Process, log: Path) -> Adopted | None:
        """A new process of that kind, a child of this one; None when the fork server does not answer: it is given up."""
        order = {"role": process.role, "name": process.name, "log": str(log), "stop_signal": int(process.stop_signal)}
        order |= {"environment": process.environment, "parent": os.getpid()}
        said = self._said() if self._say(json.dumps(order)) else ""
        if said.isdigit() and self._say(GO):
            return Adopted(int(said))
        self.hang_up()
        return None

    def _say(self, line: str) -> bool:
        try:
            if self._ours is not None:
                self._ours.sendall(f"{line}\n".encode())
        except OSError:
            return False
        return self._ours is not None

    def _said(self) -> str:
        """A line; empty when nobody answers."""
        said = b""
        try:
            while self._ours is not None and not said.endswith(b"\n"):
                if not (some := self._ours.recv(64)):
                    return ""
                said += some
        except OSError:
            return ""
        return said.decode().strip()
