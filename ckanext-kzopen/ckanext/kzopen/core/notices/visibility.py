"""Who may be told of a thing; asked when the news is made, and again whenever it is shown or mailed.

Each kind of thing says itself who may see it. A kind that has not spoken is not open: who finds the thing in the search sees
it, by the labels of its document; nobody sees what has no document there, or anything at all without a search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ckanext.kzopen.core.mail.queue import AnySession

Visible = Callable[[AnySession, str, frozenset[str]], frozenset[str] | None]
"""Takes the id of a thing and account ids; returns those who may see it now, None = everybody."""

_kinds: dict[str, Visible] = {}
_otherwise: list[Visible] = []


def otherwise(who: Visible) -> None:
    """Say who may see things of kinds that nobody spoke for; takes the whole `<kind>:<id>`. The last word counts."""
    _otherwise[:] = [who]


def visible(kind: str, who: Visible) -> None:
    """Say who may see things called `<kind>:<id>`; of a kind that nobody spoke for, see `otherwise`."""
    _kinds[kind] = who


def knows(about: str) -> bool:
    """Whether something of this kind can be followed."""
    return about.partition(":")[0] in _kinds


def those_who_may(session: AnySession, about: str, readers: Iterable[str]) -> frozenset[str] | None:
    """Of these readers those who may see the thing now, None = everybody; who has no account sees what everybody sees."""
    kind, _, thing = about.partition(":")
    accounts = frozenset(reader for reader in readers if "@" not in reader)
    if kind in _kinds:
        return _kinds[kind](session, thing, accounts)
    return _otherwise[0](session, about, accounts) if _otherwise else frozenset()


def may_see(session: AnySession, about: str, reader: str) -> bool:
    """Whether this reader may see the thing now; "" = somebody who is not signed in."""
    found = those_who_may(session, about, {reader} - {""})
    return found is None or reader in found
