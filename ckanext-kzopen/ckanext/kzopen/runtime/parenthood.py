"""What Linux knows of parents and children: who ends with whom, who takes orphans, and what `ps` and `top` call them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
_libc = ctypes.CDLL(None)


def end_with_parent(number: signal.Signals, expected: int = 0) -> None:
    """This process gets the signal when its parent is killed, so that none is left behind; it ends where that is no longer
    the one that is expected."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(number))
    if expected and os.getppid() != expected:
        os._exit(1)


def take_orphans() -> None:
    """What its own parent leaves behind among our descendants becomes a child of this process."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def name_process(name: str) -> None:
    """How `ps -e` and `top` call this process; the first 15 letters."""
    _libc.prctl(_PR_SET_NAME, f"kzopen {name}"[:15].encode())


class Adopted:
    """A child that was born elsewhere, with what is used of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, below zero for the signal that ended it; None while it lives."""
        if self.returncode is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if found else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, waited for; raises subprocess.TimeoutExpired after so many seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by force."""
        self.send_signal(signal.SIGKILL)
