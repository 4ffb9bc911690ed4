"""`kzopen-agent --config FILE [run|once|status|resend DATASET|systemd [FOLDER]]`; `--dry-run` only says what would be sent."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kzopen_agent import __version__, reading, sending, units
from kzopen_agent.settings import VARIABLE, Settings, Table, WrongFile, read
from kzopen_agent.state import Change, DoubleKey, State

ROUND = 1.0
TOLD_NOWHERE = f"""names no token: it is in the variable {VARIABLE} only, which the service will not have; nothing was written.
Either write it into a file that root alone may read, and its name here: token_file = "/etc/kzopen-agent/token"
or let this command do it: kzopen-agent systemd FOLDER --token-file /etc/kzopen-agent/token"""
TOLD_ALREADY = "names the token already; --token-file is for one that is in the environment only"


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all is well, 1 when something was refused or could not be read, 2 for wrong settings."""
    given = _parser().parse_args(arguments)
    try:
        settings = read(Path(given.config))
    except WrongFile as error:
        print(error, file=sys.stderr)
        return 2
    if given.command == "systemd":
        return _units(settings, given)
    if given.command == "status":
        return _status(settings)
    with _alone(settings.state) as lock:
        if lock is None:
            print(f"another agent works in {settings.state}", file=sys.stderr)
            return 2
        return _work(settings, given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kzopen-agent", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--config", default="/etc/kzopen-agent/agent.toml", help="the file with the settings")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    keep = f"for systemd: the file, readable by its owner alone, into which the token of {VARIABLE} is written for the service"
    parser.add_argument("--token-file", metavar="FILE", type=Path, help=keep)
    parser.add_argument("command", nargs="?", default="run", choices=["run", "once", "status", "resend", "systemd"])
    what = "for resend: the data set whose table is sent whole again; for systemd: the folder into which the units are written"
    parser.add_argument("what", nargs="?", default="", help=what)
    return parser


def _units(settings: Settings, given: argparse.Namespace) -> int:
    """Write the units into the folder that was named, or print them; none that would start a service without a token."""
    if settings.names_token == bool(given.token_file):
        print(f"{given.config}: {TOLD_ALREADY if settings.names_token else TOLD_NOWHERE}", file=sys.stderr)
        return 2
    if given.token_file:
        try:
            units.keep(settings.token, given.token_file)
        except OSError as error:
            print(f"{given.token_file}: {error.strerror}", file=sys.stderr)
            return 2
    for name, text in units.units(_own_command(), Path(given.config), settings, given.token_file).items():
        if given.what:
            (Path(given.what) / name).write_text(text, encoding="utf-8")
        else:
            print(f"# /etc/systemd/system/{name}\n{text}")
    return 0


def _own_command() -> str:
    """What starts this very agent: a file that was downloaded is not executable, and needs Python named before it."""
    place = Path(sys.argv[0]).resolve()
    return str(place) if os.access(place, os.X_OK) else f"{sys.executable} {place}"


def _work(settings: Settings, given: argparse.Namespace) -> int:
    state = State(settings.state)
    try:
        if given.command == "resend":
            state.forget(given.what)
        if given.dry_run:
            return max((_look(state, table, commit=False) for table in settings.tables), default=0)
        portal = sending.Portal(settings)
        if given.command == "run":
            return _forever(state, portal, settings)
        return _once(state, portal, settings)
    finally:
        state.close()


def _once(state: State, portal: sending.Portal, settings: Settings) -> int:
    """Look at the tables whose time has come, and send what waits until the portal has decided, a minute at most."""
    worst, until = 0, time.monotonic() + 60
    for table in settings.tables:
        if sending.now() - state.last_look(table.dataset) >= table.every:
            worst = max(worst, _look(state, table))
    sending.send_all(state, portal, sending.now())
    while any(row[3] for row in state.said()) and time.monotonic() < until:
        time.sleep(ROUND)
        sending.send_all(state, portal, sending.now())
    return max(worst, int(any(row[4] for row in state.said())))


def _forever(state: State, portal: sending.Portal, settings: Settings) -> int:
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _frame: stopped.append(signum))
    due = dict.fromkeys(settings.tables, 0.0)
    while not stopped:
        for table in settings.tables:
            if time.monotonic() >= due[table]:
                due[table] = time.monotonic() + table.every
                _look(state, table)
        sending.send_all(state, portal, sending.now())
        time.sleep(ROUND)
    return 0


def _look(state: State, table: Table, *, commit: bool = True) -> int:
    try:
        change = state.look(table, reading.rows(table), commit=commit)
    except (reading.NoSource, DoubleKey) as error:
        print(f"{table.dataset}: {error}", file=sys.stderr)
        return 1
    if not change.is_none or not commit:
        print(told(table, change, commit=commit), flush=True)
    return 0


def told(table: Table, change: Change, *, commit: bool) -> str:
    """`schools: 3 added, 1 changed, 0 removed, 120 unchanged`."""
    counts = ", ".join(f"{getattr(change, name)} {name}" for name in ("added", "changed", "removed", "unchanged"))
    return f"{table.dataset}: {counts}{'' if commit else ' (nothing was sent)'}"


def _status(settings: Settings) -> int:
    state = State(settings.state)
    for dataset, at, rows, waiting, said in state.said():
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        print(f"{dataset}: {rows} rows, looked at {when}, {waiting} deliveries wait{f'; {said}' if said else ''}")
    state.close()
    return 0


class _alone:  # noqa: N801 - a context
    """The folder's lock; None inside the block when another process holds it."""

    def __init__(self, folder: Path, lock: Callable[..., None] = fcntl.flock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = (folder / "lock").open("w")
        self.lock = lock

    def __enter__(self) -> object | None:
        try:
            self.lock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return None
        return self.file

    def __exit__(self, *_: object) -> None:
        self.file.close()


if __name__ == "__main__":
    sys.exit(main())
