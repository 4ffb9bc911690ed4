"""The steps of an upgrade, and the way back from each of them.

What may fail, fails with `Failed`; the old release runs then. `NotBack` says what is left to do by hand.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from ckanext.kzopen.runtime.upgrading import note
from ckanext.kzopen.runtime.upgrading.checkout import Checkout, NoCheckout

PAGES = ("/about", "/dataset/", "/api/3/action/package_search?rows=1", "/readyz")
BEFORE = ".before-upgrade"
KEPT = ("last_backup.json",)
"""Files of the data directory that no archive holds and that stay true after a way back."""
HOST = "127.0.0.1"
TAKES = 1800
"""Seconds after which a command is given up: the slowest is a first start that changes large tables."""
ENDS_WITHIN = 30.0
LOOKS_FOR = 30.0
"""Seconds for which a finding may go away by itself: a process that is just being started again."""
AREA, COMMAND = re.compile(r"  [!✓] (\S+) "), re.compile(r"      → (.+)")
LOOKED = re.compile(r"(all is well|\d+ findings)$")
"""How the doctor tells areas and the command that mends a finding, and how its words end when it has looked at everything."""
MOVES = frozenset({"disk", "mail", "archive"})
"""Areas whose findings come and go by themselves: what is free, what waits, and what is not archived while it is closed."""
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class Failed(Exception):
    """A step failed; the message says at which and how."""


class NotBack(Exception):
    """The way back stopped, too; the message says what is left to do."""


class NotStarted(Exception):
    """All is done, but the portal did not start for its readers; the message says why."""


@dataclass(frozen=True)
class Plan:
    """One upgrade: from where (branch or commit) to where (commit), the portal, and how far it has come.

    `folder` is where its kzopen.toml is read; `again` how the portal was running: words of `./kzopen`, none when it was not,
    or was started by systemd. `lies_here` tells that its data directory, which may be moved aside, holds all of its state.
    """

    old: str
    new: str
    data: str
    folder: str
    archive: str
    address: str
    port: int
    again: Sequence[str] = ()
    by_systemd: bool = False
    lies_here: bool = True
    code_switched: bool = False
    data_touched: bool = False


class Upgrade:
    """Carries a plan out. `backup` makes the archive while nothing but the services runs; it raises Failed."""

    def __init__(self, checkout: Checkout, plan: Plan, backup: Callable[[], None], say: Say) -> None:
        self.checkout, self.plan, self.say, self._backup = checkout, plan, say, backup
        self._environment = Path(os.environ.get("KZOPEN_VENV", checkout.root / ".venv"))

    def run(self) -> None:
        """All steps; raises Failed when the old release runs again, NotBack when it does not, NotStarted at the very end."""
        try:
            with interruptions(_fail):
                self._run()
        except (Failed, NoCheckout, OSError, subprocess.SubprocessError) as error:
            self.say(f"! {error}")
            self.go_back()
            raise Failed(str(error)) from error
        self._start_again()

    def _run(self) -> None:
        self._note(self.plan)
        known = self._findings_before()
        self.say(f"closed for readers; the archive is {self.plan.archive} …")
        self._backup()
        self.say("the new release and its libraries …")
        self._keep_environment()
        self._note(replace(self.plan, code_switched=True))
        self.checkout.switch(self.plan.new)
        self._call("version")
        self.say("migrations …")
        self._note(replace(self.plan, data_touched=True))
        self._serve_apart()
        self.say("looking at pages and at everything stored …")
        self._look(known)
        self._call("stop", "--data", self.plan.data)
        self._forget()

    def go_back(self) -> None:
        """Bring the old release back, as far as the plan has come, and start it; raises NotBack or NotStarted."""
        plan = self.plan
        self.say("going back …")
        try:
            with interruptions(signal.SIG_IGN):
                self._end()
                if plan.code_switched:
                    self.checkout.switch(plan.old, force=True)
                    self._bring_environment_back()
                if plan.data_touched:
                    self._restore()
                self._forget()
        except (Failed, NoCheckout, OSError, subprocess.SubprocessError) as error:
            again = f"When that is mended: ./kzopen upgrade --roll-back --commit. The archive is {plan.archive}"
            raise NotBack(f"{error}\n{again}") from error
        self._start_again()

    def _note(self, plan: Plan) -> None:
        """Remember how far it has come, so that `--roll-back` finds it after a death."""
        self.plan = plan
        note.write(self.checkout.root, asdict(plan))

    def _forget(self) -> None:
        """From here on nothing is undone: readers and agencies may be let in."""
        note.place(self.checkout.root).unlink(missing_ok=True)
        shutil.rmtree(self._kept, ignore_errors=True)

    @property
    def _kept(self) -> Path:
        return self._environment.with_name(self._environment.name + BEFORE)

    def _findings_before(self) -> dict[str, str]:
        """What the doctor finds while the old release runs; it does not run afterwards."""
        if not (self.plan.again or self.plan.by_systemd):
            self._serve_apart()
        found = self._findings()
        self._call("stop", "--data", self.plan.data)
        return found

    def _keep_environment(self) -> None:
        """Keep the libraries as they are: an installer replaces files, so links are enough."""
        shutil.rmtree(self._kept, ignore_errors=True)

        def kept(source: str, target: str) -> None:
            if source.endswith(".stamp"):
                shutil.copy2(source, target)
            else:
                os.link(source, target, follow_symlinks=False)

        shutil.copytree(self._environment, self._kept, symlinks=True, copy_function=kept)

    def _bring_environment_back(self) -> None:
        if self._kept.exists():
            shutil.rmtree(self._environment, ignore_errors=True)
            self._kept.rename(self._environment)
        self._call("version")

    def _serve_apart(self) -> None:
        """Start the portal under its public address, on a port that no reader knows, and without background work."""
        words = ["serve", "--apart", "--detach", "--no-demo", "--data", self.plan.data]
        self._call(*words, "--host", HOST, "--port", str(self.plan.port), KZOPEN_SITE_URL=self.plan.address)

    def _look(self, known: dict[str, str]) -> None:
        """Raise Failed for a page that does not answer and for anything that the doctor did not find before."""
        for path in PAGES:
            connection = http.client.HTTPConnection(HOST, self.plan.port, timeout=60)
            try:
                connection.request("GET", path, headers={"Host": urlsplit(self.plan.address).netloc})
                status = connection.getresponse().status
            finally:
                connection.close()
            if status != 200:
                raise Failed(f"{path} answers {status}")
        until = time.monotonic() + LOOKS_FOR
        while worse := {key: told for key, told in self._findings().items() if key not in known}:
            if time.monotonic() > until:
                raise Failed("\n  ".join(["the doctor finds what was not there before:", *worse.values()]))
            time.sleep(1)

    def _findings(self) -> dict[str, str]:
        """The doctor's findings by area and mending command, without figures; raises Failed when it could not look at all."""
        done = self._launched("doctor", "--data", self.plan.data)
        if not LOOKED.search(done.stdout.rstrip()):
            raise Failed(f"./kzopen doctor: {_last(done)}")
        area, sentence, found = "", "", {}
        for line in done.stdout.splitlines():
            if told := AREA.match(line):
                area = told[1]
            elif mends := COMMAND.match(line):
                found[f"{area}: {re.sub(r'[0-9]+', '#', mends[1])}"] = f"{sentence} → {mends[1]}"
            else:
                sentence = line.strip()
        return {key: told for key, told in found.items() if key.partition(":")[0] not in MOVES}

    def _end(self) -> None:
        """End what runs on the data directory, whichever release it is of; raises Failed when it does not end."""
        try:
            told = json.loads((Path(self.plan.data) / "run" / "status.json").read_text())
            process = psutil.Process(told["pid"])
        except (FileNotFoundError, ValueError, KeyError, psutil.NoSuchProcess):
            return
        with suppress(psutil.NoSuchProcess):
            process.terminate()
            try:
                process.wait(ENDS_WITHIN)
            except psutil.TimeoutExpired as error:
                raise Failed(f"process {process.pid} runs the portal and does not end; end it yourself") from error

    def _restore(self) -> None:
        """The portal of the archive in place of what the new release left, which stays beside it."""
        plan, data = self.plan, Path(self.plan.data)
        if not plan.lies_here:
            raise Failed(
                "the code is what it was, but the data may not be. Empty the data directory, and databases of your own, then "
                f"./kzopen restore {plan.archive} --data {plan.data} --takes-over and rm {note.place(self.checkout.root)}"
            )
        if data.exists():
            places = (data.with_name(f"{data.name}.failed-{number}") for number in range(1, 1000))
            aside = data.rename(next(place for place in places if not place.exists()))
            self.say(f"what the new release left lies in {aside}; look at its logs, then delete it")
        self._call("restore", plan.archive, "--data", plan.data)
        left = sorted(data.parent.glob(f"{data.name}.failed-*"), key=lambda place: place.stat().st_ctime)
        for name in KEPT:
            if left and (left[-1] / name).exists():
                shutil.copy2(left[-1] / name, data / name)
        self.say("a restored portal waits with its mails and signs readers in anew: docs/operator.md, “After a restore”")

    def _start_again(self) -> None:
        """As it was running; raises NotStarted."""
        if self.plan.again:
            try:
                self._call(*self.plan.again)
            except Failed as error:
                raise NotStarted(f"{self.checkout.name} is in place, but did not start for its readers: {error}") from error
        elif self.plan.by_systemd:
            self.say("start it: sudo systemctl start kzopen")

    def _call(self, *words: str, **variables: str) -> None:
        done = self._launched(*words, **variables)
        if done.returncode:
            raise Failed(f"./kzopen {words[0]}: {_last(done)}")

    def _launched(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.checkout.root / "kzopen"), *words]
        given = os.environ | variables
        return subprocess.run(command, capture_output=True, text=True, env=given, cwd=self.plan.folder, timeout=TAKES)


@contextmanager
def interruptions(handler: Callable[[int, object], None] | signal.Handlers) -> Iterator[None]:
    """What Ctrl-C, a closed terminal and a request to end do in the block."""
    before = {number: signal.signal(number, handler) for number in INTERRUPTIONS}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _fail(_number: int, _frame: object) -> None:
    raise Failed("it was interrupted")


def _last(done: subprocess.CompletedProcess[str]) -> str:
    """The last words of a command that failed."""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return "\n".join(lines[-5:]) or f"ended with {done.returncode} and no word"


def read_plan(root: Path) -> Plan | None:
    """The upgrade that was not finished, if there is one; raises Failed for a note that is not understood."""
    place = note.place(root)
    try:
        return Plan(**json.loads(place.read_text())) if place.exists() else None
    except (TypeError, ValueError) as error:
        raise Failed(
            f"{place} cannot be read ({error}); restore the archive as docs/operator.md tells, then delete it"
        ) from error
