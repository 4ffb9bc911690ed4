"""State machines read from `schemas/states/<kind>.yaml`: which state may follow which, by whose right, on what condition.

    kind: data_request
    label: {kk: Деректер алуға сұрау салу, ru: Заявка на данные, en: Data request}
    initial: received
    begin:                               # how an object begins; may be left out
      by: opendata.ask                   # the right to begin one, or `system`; without it the caller checks
      record: yes                        # the beginning is part of the public record; default no
      notify: [agency]
    states:
      received:
        label: {kk: Қабылданды, ru: Получена, en: Received}
        public: yes                      # shown to everyone; default no
      accepted:
        label: {kk: Жұмысқа алынды, ru: Принята в работу, en: Accepted}
        public: yes
        due: {term: data_request.answer, from: received}     # a term of schemas/terms.yaml, counted from a state
      refused:
        label: {kk: Бас тартылды, ru: Отказано, en: Refused}
        final: yes                       # nothing follows; default no
    transitions:
      accept:
        label: {kk: Жұмысқа алу, ru: Принять в работу, en: Accept}   # the button; default: the label of `to`
        from: [received]
        to: accepted
        by: opendata.accept              # a right `section.verb`, or `system` (a job, the clock)
      refuse:
        from: [received, accepted]
        to: refused
        by: opendata.refuse
        requires: [reason, law]          # fields that must be given and not empty
        guards: [answer_is_public]       # pure functions registered with core.states.guard
        record: yes                      # part of the public record; default no
        notify: [asker, followers]       # who is told; names that the section resolves

`kind` is the file's name. Names are lower-case words joined by `_`. Refused, with file, line and sentence: unknown states,
states that cannot be reached, states that are neither final nor left, final states that are left, a missing language.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from ckanext.kzopen.core.texts import Words, in_language
from ckanext.kzopen.core.yaml_source import Document, Place, Source, read, schemas
from pydantic import Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Right = Annotated[str, StringConstraints(pattern=r"^(system|[a-z_]+\.[a-z_]+)$")]
TermName = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)+$")]
SYSTEM = "system"


class Due(Source):
    """The term within which a state must be left, counted from the moment at which `since` was entered."""

    term: TermName
    since: Name = Field(alias="from")


class State(Source):
    label: Words
    public: bool = False
    final: bool = False
    due: Due | None = None


class Transition(Source):
    origins: tuple[Name, ...] = Field(alias="from", min_length=1)
    to: Name
    by: Right
    label: Words | None = None
    requires: tuple[Name, ...] = ()
    guards: tuple[Name, ...] = ()
    record: bool = False
    notify: tuple[Name, ...] = ()


class Beginning(Source):
    """How an object begins: by whose right, and who is told. Without `by` the caller has checked the right."""

    by: Right | None = None
    record: bool = False
    notify: tuple[Name, ...] = ()


class Machine(Source):
    """The states of one kind of object and the transitions between them."""

    kind: Name
    label: Words
    plugin: Name | None = None
    """CKAN's name of the section that brings the guards; a portal that does not load it does not use the kind."""
    initial: Name
    begin: Beginning = Beginning()
    states: dict[Name, State]
    transitions: dict[Name, Transition]

    def transitions_from(self, state: str) -> dict[str, Transition]:
        """What may be done in `state`, by name, in the order of the file."""
        return {name: way for name, way in self.transitions.items() if state in way.origins}

    def label_of(self, transition: str) -> Words:
        """The words on the button of a transition."""
        way = self.transitions[transition]
        return way.label or self.states[way.to].label

    def guards(self) -> set[str]:
        return {guard for way in self.transitions.values() for guard in way.guards}

    def terms(self) -> set[str]:
        return {state.due.term for state in self.states.values() if state.due}


def load_machine(path: Path) -> Machine:
    """The machine of one file; raises SourceError that names every mistake with its line."""
    machine, document = read(path, Machine)
    if mistakes := [*_unknown_names(machine, path.stem), *_dead_ends(machine), *_unreachable(machine)]:
        raise document.error(*mistakes)
    return machine


def load_machines(folder: Path | None = None) -> dict[str, Machine]:
    """All machines under `schemas/states` by kind."""
    paths = sorted((folder or schemas("states")).glob("*.yaml"))
    return {path.stem: load_machine(path) for path in paths}


def check_terms(machine: Machine, path: Path, known: Iterable[str]) -> None:
    """Refuse a machine whose states fall due by a term that nobody defined."""
    document = Document(path)
    mistakes = [
        (("states", name, "due", "term"), f"there is no term '{state.due.term}' in schemas/terms.yaml")
        for name, state in machine.states.items()
        if state.due and state.due.term not in set(known)
    ]
    if mistakes:
        raise document.error(*mistakes)


Mistakes = list[tuple[Place, str]]


def _unknown_names(machine: Machine, stem: str) -> Mistakes:
    used: Mistakes = [] if machine.kind == stem else [(("kind",), f"the kind must be '{stem}', as the file is called")]
    references: list[tuple[Place, str]] = [(("initial",), machine.initial)]
    for name, way in machine.transitions.items():
        references += [(("transitions", name, "from", n), origin) for n, origin in enumerate(way.origins)]
        references.append((("transitions", name, "to"), way.to))
    for name, state in machine.states.items():
        if state.due:
            references.append((("states", name, "due", "from"), state.due.since))
    return used + [(place, f"there is no state '{name}'") for place, name in references if name not in machine.states]


def _dead_ends(machine: Machine) -> Mistakes:
    mistakes: Mistakes = []
    for name, state in machine.states.items():
        left = bool(machine.transitions_from(name))
        if state.final and left:
            mistakes.append((("states", name), f"'{name}' is final, but a transition leaves it"))
        if not state.final and not left:
            mistakes.append((("states", name), f"'{name}' is not final, but no transition leaves it"))
    return mistakes


def _unreachable(machine: Machine) -> Mistakes:
    reached, waiting = set[str](), [machine.initial]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += [way.to for way in machine.transitions_from(state).values()]
    return [
        (("states", name), f"'{name}' cannot be reached from '{machine.initial}'")
        for name in machine.states
        if name not in reached
    ]


def diagram(machine: Machine, language: str) -> str:
    """The machine as a mermaid state diagram with labels in `language`."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine.initial}"]
    lines += [f"    {name} : {in_language(state.label, language)}" for name, state in machine.states.items()]
    for name, way in machine.transitions.items():
        label = in_language(machine.label_of(name), language)
        lines += [f"    {origin} --> {way.to} : {label}" for origin in way.origins]
    lines += [f"    {name} --> [*]" for name, state in machine.states.items() if state.final]
    return "\n".join(lines) + "\n"
