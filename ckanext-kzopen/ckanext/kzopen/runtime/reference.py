"""The page `docs/reference.md`: plugins, calls, actions, options, states, terms and error codes, as the code has them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from ckanext.kzopen.core.law.states import Machine, diagram, load_machines
from ckanext.kzopen.core.law.terms import Term, load_terms
from ckanext.kzopen.core.people import activities, tables
from ckanext.kzopen.core.record.keeping import load_rules
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.publishing import keeping, openapi
from ckanext.kzopen.rows import withdrawal, writes

PACKAGE = Path(__file__).parents[1]
HEAD = """# Reference

Generated from the code and its tables by `./kzopen check --mend`; a test fails when this page is out of date.
"""


def page(root: Path) -> str:
    """The whole page; `root` is the checkout, whose `pyproject.toml` names the plugins."""
    classes = plugins(root)
    parts = [
        HEAD,
        _section("Plugins", "", table(("plugin", "what it brings"), _plugin_rows(classes))),
        _section("Universal API", f"Below `{openapi.BASE}`; see [developer.md](developer.md).", table(CALLS, call_rows())),
        _section(
            "CKAN actions of our own", "Called at `/api/3/action/NAME`.", table(("action", "does"), action_rows(classes))
        ),
        _section(
            "Options in CKAN's ini",
            "The launcher writes them from the [settings](settings.md).",
            table(OPTIONS, option_rows()),
        ),
        _section("States", "Who is shown what, and who may change it, is data: `schemas/states`.", _machines()),
        _section(
            "Terms of law",
            "Computed by `schemas/terms.yaml`. *Unverified* was not read in the text of the law.",
            table(TERMS, term_rows()),
        ),
        _section(
            "Keeping of events",
            "How long the event log keeps what: `schemas/keeping.yaml`. The first rule that fits decides.",
            table(KEEPING, keeping_rows()),
        ),
        _section(
            "Keeping of sent files",
            "How long the bytes of a delivery are kept after its end: `schemas/deliveries.yaml`, the portal's own choice.",
            table(("deliveries that are", "days"), ((rule.state, rule.days) for rule in keeping.load_rules())),
        ),
        _section("Errors", "The `code` of `problem+json` answers and of pages.", table(ERRORS, error_rows())),
        _section(
            "Findings of the check",
            "The `code` of each finding in a report, frictionless's own.",
            table(FINDINGS, finding_rows()),
        ),
    ]
    return "\n".join(parts)


CALLS = ("call", "does", "needs a token")
OPTIONS = ("option", "default", "meaning")
KEEPING = ("rule", "events", "kept", "source", "verified")
TERMS = ("term", "name", "length", "source", "verified")
ERRORS = ("code", "status", *LANGUAGES)
FINDINGS = ("code", *LANGUAGES)


def _section(title: str, lead: str, body: str) -> str:
    return "\n".join([f"## {title}", "", *([lead, ""] if lead else []), body])


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; a bar inside a cell is escaped. Without rows, a sentence."""
    lines = [_row(row) for row in rows]
    columns = list(head)
    return "\n".join([_row(columns), "|" + "---|" * len(columns), *lines, ""]) if lines else "None.\n"


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def plugins(root: Path) -> dict[str, type]:
    """Our plugin classes by name, in the order of `pyproject.toml`."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    targets: dict[str, str] = project["entry-points"]["ckan.plugins"]
    return {name: getattr(import_module(target.split(":")[0]), target.split(":")[1]) for name, target in targets.items()}


def _plugin_rows(classes: Mapping[str, type]) -> Iterator[tuple[str, str]]:
    for name, found in classes.items():
        yield f"`{name}`", (found.__doc__ or "").strip().splitlines()[0]


def call_rows() -> Iterator[tuple[str, str, str]]:
    """The calls of the universal API, from its own OpenAPI document."""
    for path, calls in openapi.document("", "en")["paths"].items():
        for method, call in calls.items():
            if method != "parameters":
                yield f"`{method.upper()} {path}`", call["summary"], "no" if {} in call.get("security", []) else "yes"


def action_rows(classes: Mapping[str, type]) -> Iterator[tuple[str, str]]:
    """Actions that our plugins bring, with the first line of their docstring; also those that need a plugin of CKAN's."""
    for found in classes.values():
        actions = dict(getattr(found, "get_actions", lambda _self: {})(None))
        if found.__name__ == "CorePlugin":
            actions |= activities.CHAINED | tables.CHAINED
        if found.__name__ == "RowsPlugin":
            actions |= withdrawal.chained() | writes.chained()
        for name, action in sorted(actions.items()):
            yield f"`{name}`", (action.__doc__ or "").strip().splitlines()[0]


def option_rows() -> Iterator[tuple[str, str, str]]:
    """Options that our plugins declare to CKAN."""
    for path in sorted(PACKAGE.rglob("config_declaration.yaml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for option in group["options"]:
                yield f"`{option['key']}`", option.get("default", "") or "—", option.get("description", "")


def _machines() -> str:
    return "\n".join(machine_section(machine) for machine in load_machines().values())


def machine_section(machine: Machine) -> str:
    """One kind: diagram, states in three languages, transitions with who may and what is needed."""
    states = [
        (f"`{n}`", *_words(s.label), "everyone" if s.public else "those who take part") for n, s in machine.states.items()
    ]
    ways = [
        (f"`{n}`", _codes(w.origins), f"`{w.to}`", f"`{w.by}`", _codes((*w.requires, *w.guards)))
        for n, w in machine.transitions.items()
    ]
    drawn = f"### {machine.kind}: {machine.label['en']}\n\n```mermaid\n{diagram(machine, 'en')}```\n"
    shown = table(("state", *LANGUAGES, "who sees it"), states)
    return "\n".join([drawn, shown, table(("transition", "from", "to", "by", "needs"), ways)])


def term_rows() -> Iterator[tuple[str, ...]]:
    """A row for each period of each term."""
    for name, term in load_terms().items():
        yield from _periods(name, term)


def _periods(name: str, term: Term) -> Iterator[tuple[str, ...]]:
    for period in term.periods:
        source = period.law["en"] if period.law else period.source
        length = f"{period.length} {period.unit.replace('_', ' ')}"
        yield f"`{name}`", term.label["en"], length, source, "yes" if period.verified else "*unverified*"


def keeping_rows() -> Iterator[tuple[str, ...]]:
    """A row for each rule of keeping, and for each of its periods."""
    for rule in load_rules():
        events = _codes((*rule.kinds, *rule.verbs))
        if rule.keep:
            yield f"`{rule.name}`", events, rule.keep, "—", "—"
        for period in rule.periods:
            source = period.law["en"] if period.law else period.source
            yield f"`{rule.name}`", events, f"{period.length} months", source, "yes" if period.verified else "*unverified*"


def error_rows() -> Iterator[tuple[object, ...]]:
    """A row for each code of each `errors.yaml`, by code."""
    entries = {code: entry for path in error_tables() for code, entry in _read(path).items()}
    for code, entry in sorted(entries.items()):
        yield f"`{code}`", entry.get("status", 400), *_words(entry)


def error_tables() -> list[Path]:
    """All tables of errors in our packages."""
    return sorted(PACKAGE.rglob("errors.yaml"))


def finding_rows() -> Iterator[tuple[str, ...]]:
    """A row for each sentence of the check, by code."""
    for code, entry in sorted(_read(PACKAGE / "validation" / "sentences.yaml").items()):
        if set(LANGUAGES) <= set(entry):
            yield f"`{code}`", *_words(entry)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _words(words: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(words[language] for language in LANGUAGES)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "—"
