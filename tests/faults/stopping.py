"""Changes of state in a process that dies at a chosen statement or is killed at any moment.

The product knows nothing of this: the stops hang on SQLAlchemy's own events, in the process of the test only.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckanext.kzopen.core import states
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.record.receipts import receipt
from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.orm import Session

from tests.core.conftest import Letter, everyone

Say = Callable[[dict[str, Any]], None]
SIGNIFICANT = re.compile(r"(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b.*?(kzopen\.\w+|pg_advisory\w+)", re.DOTALL)


@dataclass
class Stops:
    """Counts what an engine is about to do; dies before number `at` (from 0), or only notes the names."""

    at: int | None = None
    names: list[str] = field(default_factory=list)

    def watch(self, engine: Engine) -> None:
        event.listen(engine, "before_cursor_execute", lambda _c, _cursor, said, *_: self.reach(name_of(said)))
        event.listen(engine, "commit", lambda _connection: self.reach("COMMIT"))

    def reach(self, name: str) -> None:
        if self.at == len(self.names):
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)


def name_of(statement: str) -> str:
    """What a statement does to which table: `INSERT INTO kzopen.event`."""
    found = SIGNIFICANT.search(statement)
    return " ".join(found.groups()) if found else statement.split()[0]


@dataclass(frozen=True)
class Work:
    """Where the changes happen: the database, the keys of its record, and how its engine is opened."""

    url: str
    ring: Ring
    options: dict[str, Any] = field(default_factory=dict)

    def engine(self) -> Engine:
        return create_engine(self.url, poolclass=NullPool, **self.options)


def answer(session: Session, work: Work, letter: Letter, say: Say) -> None:
    """One change that is part of the public record, and its receipt, as a section makes them."""
    done = states.change(session, "letter", letter, "answer", "user-2", allowed=everyone, text="reply")
    session.commit()
    assert done.leaf is not None
    given = receipt(session, work.ring, done.leaf, "https://portal.example.org")
    session.commit()
    say(given)


def answer_one(work: Work, number: str, stops: Stops, say: Say) -> None:
    """Answer the letter of that number, watched by stops."""
    engine = work.engine()
    stops.watch(engine)
    with Session(engine) as session:
        answer(session, work, session.get_one(Letter, number), say)
    stops.reach("the end")


def write_and_answer(work: Work, say: Say) -> None:
    """Letters begun, answered and closed for ever."""
    with Session(work.engine()) as session:
        while True:
            letter = Letter(text="hello")
            states.begin(session, "letter", letter, "user-1")
            session.commit()
            answer(session, work, letter, say)
            states.change(session, "letter", letter, "close", "user-2", allowed=everyone, reason="done")
            session.commit()


@dataclass(frozen=True)
class Child:
    """A process of its own, and what it says, a line of JSON each."""

    pid: int
    output: Path

    def said(self) -> list[dict[str, Any]]:
        """What it said whole; a line that its death cut off was never given to anybody."""
        if not self.output.exists():
            return []
        lines = self.output.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """The signal that ended it, 0 for a good end."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def start(output: Path, work: Callable[[Say], None]) -> Child:
    """Run `work` in a copy of this process, which ends with it whatever happens."""
    pid = os.fork()
    if pid:
        return Child(pid, output)
    code = 1
    try:
        with output.open("ab", buffering=0) as file:
            work(lambda said: file.write(json.dumps(said).encode() + b"\n") and None)
        code = 0
    finally:
        os._exit(code)
