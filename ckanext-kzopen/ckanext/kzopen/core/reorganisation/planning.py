"""What importing a table of agencies would do: row by row, agencies above before those below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from ckanext.kzopen.core.agencies.model import Agency, AnySession, columns_of
from ckanext.kzopen.core.reorganisation import acts, checks
from ckanext.kzopen.core.reorganisation.schema import Code, Input, Words
from ckanext.kzopen.core.web.errors import KzError
from pydantic import Field
from sqlalchemy import select


class Line(Input):
    """One row of a table; what is empty is not told, and so is not changed. `row` is its number for people."""

    row: int
    title: Words
    short: Words = Words()
    address: Code | None = None
    kind: Code | None = None
    bin: Code | None = None
    kato: Code | None = None
    parent: Code | None = None
    since: date | None = None
    extras: dict[str, str] = Field(default_factory=dict)


@dataclass
class Step:
    """What a row would do: `create`, or any of `rename`, `update` and `move`, or nothing; or why it cannot."""

    line: Line
    address: str
    known: Agency | None = None
    parent: str | None = None
    does: tuple[str, ...] = ()
    error: KzError | None = None
    below: list[Step] = field(default_factory=list)


class Directory:
    """The agencies of the portal by everything that a table may call them."""

    def __init__(self, session: AnySession) -> None:
        self.agencies = list(session.scalars(select(Agency).where(Agency.state != "removed")))
        self._unique = {key: row for row in self.agencies for key in (row.id, row.address, row.bin) if key}
        self._named: dict[str, list[Agency]] = {}
        for row in self.agencies:
            for words in {*row.name.values(), *row.short.values()}:
                self._named.setdefault(words.casefold(), []).append(row)

    def find(self, reference: str) -> Agency | None:
        """By id, address or BIN, else by a name that only one has."""
        named = self._named.get(reference.casefold(), [])
        return self._unique.get(reference) or (named[0] if len(named) == 1 else None)

    def of_line(self, line: Line, address: str) -> Agency | None:
        """The agency that a row speaks of: by its BIN where it has one, else by its address."""
        return self._unique.get(line.bin or "") or self._unique.get(address)


def plan(session: AnySession, lines: Sequence[Line]) -> list[Step]:
    """A step for every line; steps that cannot be taken have an error."""
    directory = Directory(session)
    steps = [_step(line, directory) for line in lines]
    _refuse_repeats(steps)
    _find_parents(steps, directory)
    ordered = _parents_first(steps)
    for step in ordered:
        if step.error is None:
            _decide(session, step)
    return ordered


def _step(line: Line, directory: Directory) -> Step:
    name = line.title.given()
    address = line.address or (acts.address_for(name) if name else "")
    known = directory.of_line(line, address)
    step = Step(line, known.address if known else address, known)
    if not name and known is None:
        step.error = KzError("agencies.name_missing")
    return step


def _refuse_repeats(steps: Sequence[Step]) -> None:
    seen: dict[str, Step] = {}
    for step in steps:
        for key in {step.address, step.line.bin or step.address}:
            first = seen.setdefault(key, step)
            if first is not step and step.error is None:
                step.error = KzError("agencies.repeated", row=str(first.line.row))


def _find_parents(steps: Sequence[Step], directory: Directory) -> None:
    """The agency above is looked for in the table first, by address, BIN or name, then in the portal."""
    named: dict[str, list[Step]] = {}
    for step in steps:
        if step.error is None:
            words = {*step.line.title.given().values(), *step.line.short.given().values()}
            for key in {step.address, step.line.bin or step.address, *(text.casefold() for text in words)}:
                named.setdefault(key, []).append(step)
    for step in steps:
        reference = step.line.parent
        if reference is None or step.error is not None:
            continue
        in_table = named.get(reference) or named.get(reference.casefold(), [])
        found = directory.find(reference)
        if len(in_table) == 1:
            in_table[0].below.append(step)
            step.parent = in_table[0].address
        elif found is not None and not in_table:
            step.parent = found.address
        else:
            step.error = KzError("agencies.parent_unknown", parent=reference)


def _parents_first(steps: Sequence[Step]) -> list[Step]:
    """The steps with those above before those below; what is left over stands in a circle."""
    children = {id(child) for step in steps for child in step.below}
    ordered: list[Step] = []
    waiting = [step for step in reversed(steps) if id(step) not in children]
    while waiting:
        step = waiting.pop()
        ordered.append(step)
        for child in reversed(step.below):
            if step.error is not None and child.error is None:
                child.error = KzError("agencies.parent_wrong", parent=step.address)
            waiting.append(child)
    placed = {id(step) for step in ordered}
    for step in steps:
        if id(step) not in placed:
            step.error = KzError("agencies.circle", agency=step.line.title.given())
            ordered.append(step)
    return ordered


def _decide(session: AnySession, step: Step) -> None:
    """What there is to do; raises nothing: an error is written into the step."""
    try:
        _check(session, step)
    except KzError as error:
        step.error = error
        return
    row, line = step.known, step.line
    if row is None:
        step.does = ("create",)
        return
    parent = row.parent and session.get_one(Agency, row.parent).address
    facts = {name: value for name in ("kind", "bin", "kato") if (value := getattr(line, name))}
    differs = {
        "rename": names_of(step) != row.columns,
        "update": any(getattr(row, name) != value for name, value in facts.items()),
        "move": step.parent is not None and step.parent != parent,
    }
    step.does = tuple(name for name, different in differs.items() if different)
    if step.does and row.state == "liquidated":
        step.error = KzError("agencies.liquidated", date=row.liquidated_on)


def _check(session: AnySession, step: Step) -> None:
    line, own = step.line, step.known.id if step.known else ""
    if line.kind:
        checks.check_kind(line.kind)
    checks.check_kato(line.kato)
    checks.check_bin(session, line.bin, own)
    if step.known is None:
        checks.check_address(session, step.address)


def names_of(step: Step) -> dict[str, str | None]:
    """The names that the agency would have: those of the row, and those that it does not tell as they are."""
    known = step.known
    return columns_of(
        (known.name if known else {}) | step.line.title.given(), (known.short if known else {}) | step.line.short.given()
    )
