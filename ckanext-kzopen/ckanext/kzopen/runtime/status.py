"""What the supervisor's file says of a running portal; the launcher reads it at each start, so it imports little."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from ckanext.kzopen.runtime.portal import Portal


@dataclass(frozen=True)
class ProcessStatus:
    """One line of `status`; memory is the proportional set size of the process and its children, in MB."""

    name: str
    state: str
    pid: int
    memory_mb: float
    since: float
    restarts: int


def read_status(portal: Portal) -> dict[str, Any]:
    """The supervisor's file; empty when the portal does not run, though another process may have its number by now."""
    try:
        content: dict[str, Any] = json.loads(portal.status.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    begun = birth_of(content["pid"])
    return content if begun and begun == content.get("birth", begun) else {}


def birth_of(pid: int) -> str:
    """When a process began, in words that no clock that is set changes: the machine's start and ticks since then; "" when
    there is none."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {told.rpartition(')')[2].split()[19]}"


def address_of(portal: Portal) -> str:
    """Where the portal answers: what runs in the data directory says, else the settings."""
    return str(read_status(portal).get("address") or portal.settings.address)


def running_pid(portal: Portal) -> int | None:
    """Process id of the portal's supervisor; None when it does not run."""
    return read_status(portal).get("pid")


def memory_of(pid: int) -> float:
    """Proportional set size of a process and all below it, MB; pages shared by forks are counted once in the sum."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_pss(member) for member in family) / 2**20


def _pss(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0


def process_rows(portal: Portal) -> list[ProcessStatus]:
    """One row a process, the launcher itself first; empty when the portal does not run."""
    status = read_status(portal)
    if not status:
        return []
    launcher = psutil.Process(status["pid"])
    own = ProcessStatus("kzopen", "running", launcher.pid, _pss(launcher) / 2**20, launcher.create_time(), 0)
    rows = [
        ProcessStatus(
            row["name"], row["state"], row["pid"], memory_of(row["pid"]) if row["pid"] else 0.0, row["since"], row["restarts"]
        )
        for row in status["processes"]
    ]
    return [own, *rows]


def stop(portal: Portal, seconds: float = 10) -> bool:
    """Ask the running portal to stop and wait; False when it did not run.

    Raises TimeoutError when it is still there after `seconds`.
    """
    pid = running_pid(portal)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            raise TimeoutError(f"process {pid} has not ended after {seconds:.0f} s")
        time.sleep(0.1)
    return True
