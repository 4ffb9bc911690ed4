"""Who may be told of a thing; asked when the news is made, and again whenever it is shown or mailed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ckanext.kzopen.core.mail.queue import AnySession

Visible = Callable[[AnySession, str, frozenset[str]], frozenset[str] | None]
"""Takes the id of a thing and account ids; returns those who may see it now, None = everybody."""

_kinds: dict[str, Visible] = {}


def visible(kind: str, who: Visible) -> None:
    """Say who may see things called `<kind>:<id>`; of a kind that nobody spoke for, nobody is told."""
    _kinds[kind] = who


def knows(about: str) -> bool:
    """Whether something of this kind can be followed."""
    return about.partition(":")[0] in _kinds


def those_who_may(session: AnySession, about: str, readers: Iterable[str]) -> frozenset[str] | None:
    """Of these readers those who may see the thing now, None = everybody; who has no account sees what everybody sees."""
    kind, _, thing = about.partition(":")
    if kind not in _kinds:
        return frozenset()
    return _kinds[kind](session, thing, frozenset(reader for reader in readers if "@" not in reader))


def may_see(session: AnySession, about: str, reader: str) -> bool:
    """Whether this reader may see the thing now; "" = somebody who is not signed in."""
    found = those_who_may(session, about, {reader} - {""})
    return found is None or reader in found
