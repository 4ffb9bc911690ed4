"""The table of expectations (`expectations.yaml`), and what an answer of the portal amounts to in its words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from ckanext.kzopen.core.yaml_source import LOADER

from tests.security.world import CITIZENS, LEVELS, OTHERS, OWN

T = TypeVar("T")
FILE = Path(__file__).with_name("expectations.yaml")
_ANSWERED = frozenset({"allowed", "sent_on"})
_SHARED = {word: frozenset({word}) for word in ("hidden", "complained")}
OURS = {"allowed": _ANSWERED, **_SHARED, "sign_in": frozenset({"sign_in"}), "refused": frozenset({"refused"})}
CKANS = {"yes": _ANSWERED, **_SHARED, "no": frozenset({"refused", "sign_in"})}
"""The outcomes that each word of the table stands for, each outcome in one of them."""
WORDS = {"our_routes": OURS, "ckan_routes": CKANS, "actions": CKANS}
COMPLAINTS = (400, 405, 409, 410, 411, 412, 413, 415, 422)
READERS = ("editor", *OWN, "methodologist", "operator")  # of what is private or a draft
GROUPS = {"citizen": CITIZENS, "others": OTHERS, "own": OWN, "everybody": LEVELS}


@dataclass(frozen=True)
class Row:
    """What is expected of some routes or actions; `who` is by kind of data set, or "" where none is asked for."""

    patterns: tuple[str, ...]
    methods: tuple[str, ...]
    who: dict[str, dict[str, str]]
    given: dict[str, Any] = field(default_factory=dict)
    query: str = ""
    send: str = ""
    of: str = ""

    def holds_for(self, name: str, method: str) -> bool:
        fits = not self.methods or method in self.methods
        return fits and any(fnmatchcase(name, pattern) for pattern in self.patterns)


@cache
def rows(section: str) -> list[Row]:
    """The rows of `our_routes`, `ckan_routes` or `actions`."""
    told = yaml.load(FILE.read_bytes(), Loader=LOADER)  # noqa: S506
    profiles = {name: _by_level(name, levels) for name, levels in told["profiles"].items()}
    found = [_row(row, profiles) for row in told[section]]
    strange = [row.patterns for row in found for who in row.who.values() if not WORDS[section].keys() >= set(who.values())]
    assert not strange, f"rows of {section} in words of another section: {strange}"
    return found


def _by_level(name: str, levels: dict[str, list[str]]) -> dict[str, str]:
    found = [(level, word) for word, named in levels.items() for one in named for level in GROUPS.get(one, (one,))]
    assert sorted(level for level, _ in found) == sorted(LEVELS), f"profile {name} does not name every level once"
    return dict(found)


def _row(row: dict[str, Any], profiles: dict[str, dict[str, str]]) -> Row:
    who = row["who"] if isinstance(row["who"], dict) else {"": row["who"]}
    return Row(
        patterns=tuple(row.get("routes") or row["actions"]),
        methods=tuple(row.get("methods", ())),
        who={kind: profiles[profile] for kind, profile in who.items()},
        given=row.get("with", {}),
        query=row.get("query", ""),
        send=row.get("send", ""),
        of=row.get("of", ""),
    )


def matching(section: str, name: str, method: str) -> list[Row]:
    return [row for row in rows(section) if row.holds_for(name, method)]


@cache
def the_row(section: str, name: str, method: str) -> Row:
    """The one row of a route or an action; that there is exactly one is tested by itself."""
    return matching(section, name, method)[0]


class Turns:
    """Who of those of whom the same is expected is asked next: in the short forms they take the requests by turns."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[Any, ...]] = Counter()

    def one_of(self, alike: Sequence[T], *apart: object) -> T:
        """The next of them; those that are `apart` have turns of their own."""
        self._taken[(*apart, *alike)] += 1
        return alike[self._taken[(*apart, *alike)] % len(alike)]

    def of_levels(self, levels: Iterable[str], who: Mapping[str, str]) -> list[str]:
        """One of the levels for each word that the table has for some of them."""
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for level in levels:
            groups[who[level]].append(level)
        return [self.one_of(alike) for alike in groups.values()]


def outcome(response: Any) -> str:
    """An answer in the table's words, and two more: sent_on (a redirect to elsewhere) and broken (5xx)."""
    status = response.status_code
    if status == 401 or (status in (301, 302, 303) and "/user/login" in response.headers.get("Location", "")):
        return "sign_in"
    named = {403: "refused", 404: "hidden"} | dict.fromkeys(COMPLAINTS, "complained")
    return named.get(status, "allowed" if status < 300 else "sent_on" if status < 400 else "broken")


def agrees(found: str, expected: str, words: Mapping[str, frozenset[str]]) -> bool:
    """Whether the outcome is what the table expects in one of its words, `OURS` or `CKANS`."""
    return found in words[expected]


def methods_of(rule: Any) -> Iterator[str]:
    yield from sorted(rule.methods - {"HEAD", "OPTIONS"})


def is_ours(endpoint: str) -> bool:
    return endpoint.startswith("kzopen_")
