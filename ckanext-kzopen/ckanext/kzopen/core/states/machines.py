"""The state machines of all kinds, read once from `schemas/states`; sections elsewhere may add theirs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ckan.plugins import plugin_loaded
from ckanext.kzopen.core.law.states import SYSTEM, Machine, check_terms, load_machine
from ckanext.kzopen.core.law.terms import load_terms
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.states.guards import guard_names
from ckanext.kzopen.core.yaml_source import Document, Place, schemas


@lru_cache(maxsize=1)
def _registry() -> dict[str, tuple[Machine, Path]]:
    paths = sorted(schemas("states").glob("*.yaml"))
    return {path.stem: (load_machine(path), path) for path in paths}


def register(path: Path) -> Machine:
    """Add the machine of a file that does not lie in `schemas/states`."""
    _registry()[path.stem] = (load_machine(path), path)
    return machine_of(path.stem)


def forget(kind: str) -> None:
    """Take back what `register` added."""
    _registry().pop(kind, None)


def machine_of(kind: str) -> Machine:
    """The machine of a kind; a kind without a file is a LookupError."""
    try:
        return _registry()[kind][0]
    except KeyError:
        raise LookupError(f"there is no schemas/states/{kind}.yaml") from None


def kinds() -> list[str]:
    return sorted(_registry())


def check() -> None:
    """Refuse to start with a mistake in any machine, or a term, right or guard that it names and nobody knows."""
    terms = load_terms()
    for machine, path in _registry().values():
        check_terms(machine, path, terms)
        if machine.plugin is None or plugin_loaded(machine.plugin):
            _check_guards(machine, path)
        _check_rights(machine, path)


def _check_guards(machine: Machine, path: Path) -> None:
    document = Document(path)
    mistakes = [
        (("transitions", name, "guards", n), f"no section has a guard '{guard}'")
        for name, way in machine.transitions.items()
        for n, guard in enumerate(way.guards)
        if guard not in guard_names()
    ]
    if mistakes:
        raise document.error(*mistakes)


def _check_rights(machine: Machine, path: Path) -> None:
    """Every `by` must be a right of `schemas/roles.yaml`, or of a file that a section has registered."""
    named: list[tuple[Place, str]] = [(("transitions", name, "by"), way.by) for name, way in machine.transitions.items()]
    named += [(("begin", "by"), machine.begin.by)] if machine.begin.by else []
    known = {SYSTEM, *roles.known().every}
    mistakes: list[tuple[Place, str]] = [
        (place, f"there is no right '{right}'") for place, right in named if right not in known
    ]
    if mistakes:
        raise Document(path).error(*mistakes)
