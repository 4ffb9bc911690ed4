"""Processes of the portal that are to die: CKAN is loaded once and each is born by fork, so that a death costs little.

`python -m tests.mortals INI` is the forge. A line of its input is a JSON list: a module of the tests, the file for what is
printed ("" for the forge's own log), and the words for `main(app, *words)` of that module. The answer is the process id of the
child; when that has ended, its exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ckanext.kzopen.runtime.forkserver import forget_connections

ROOT = Path(__file__).resolve().parents[1]
READY = "ready"


@dataclass
class Forge:
    """The process from which others are born, one at a time."""

    process: subprocess.Popen[str]
    log: Path

    def born(self, module: str, *words: str, said: Path | None = None) -> int:
        """The process id of a child that does `main(app, *words)` of the module; `ended` reads its end."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([module, str(said or ""), *words]) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        """The exit code of the child, waited for."""
        return int(self._line())

    def killed(self, module: str, *words: str) -> None:
        """A child lives, and must die by kill -9."""
        self.born(module, *words)
        assert self.ended() == -signal.SIGKILL, self.errors()

    def errors(self) -> str:
        """The last that was printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, f"the forge has ended: {self.errors()}"
        return line


@contextmanager
def forge(ini: str, log: Path) -> Iterator[Forge]:
    """A forge for the portal of this ini; it ends with the block, and so does a child that is left."""
    command = [sys.executable, "-m", "tests.mortals", ini]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, stderr=said, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]
        made = Forge(process, log)
        try:
            assert made._line() == READY
            yield made
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Death(BaseException):
    """The end of a process that lives in the test's own: nothing of the product catches it."""


def dies(*_: object) -> NoReturn:
    """In the place of a function at which the process ends."""
    raise Death


def make_deadly(owner: Any, name: str, before: bool) -> None:
    """Replace a function by one that ends the process with -9, before it or after it."""
    setattr(owner, name, deadly(getattr(owner, name), before))


def deadly(original: Callable[..., Any], before: bool) -> Callable[..., Any]:
    """The function, ending the process with -9 before it or after it."""

    def dying(*args: Any, **kwargs: Any) -> None:
        if not before:
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return dying


def main(ini: str) -> None:
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    app = make_app(CKANConfigLoader(ini).get_config())._wsgi_app
    print(READY, file=answers, flush=True)
    for line in sys.stdin:
        forget_connections()
        child = os.fork()
        if child == 0:
            live(app, *json.loads(line))
        print(child, file=answers, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)


def live(app: Any, module: str, said: str, *words: str) -> NoReturn:
    """The life of a child: 0 when it ends by itself, 1 when it fails."""
    code = 1
    try:
        if said:
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
        importlib.import_module(module).main(app, *words)
        code = 0
    finally:
        if code:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
