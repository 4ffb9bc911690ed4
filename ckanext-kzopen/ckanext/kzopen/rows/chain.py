"""How a version is put together from stored files: a whole table, then changes, each of which leads to a later version.

Files are the edges of a graph whose nodes are versions: a whole file leads from nothing to its version, a file of changes
from one version to another. Folding adds shorter ways (a whole table, or many changes in one file); withdrawing and thinning
take files away once there is another way to every version that stays. Nothing here touches a database or a disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

OPENING = 2_000
"""To open one more file costs about as much as to read so many rows."""


@dataclass(frozen=True)
class Link:
    """A stored file that makes version `number` out of version `since` (None: out of nothing); `rows` are those in it."""

    since: int | None
    number: int
    path: str
    rows: int
    sha256: str = ""
    size: int = 0


class NoWay(LookupError):
    """The files that are there do not lead to the version."""


def way(links: Iterable[Link], number: int) -> list[Link]:
    """The cheapest files, in order, that lead to version `number`: the whole one first; NoWay when none do."""
    best: dict[int | None, tuple[int, Link | None]] = {None: (0, None)}
    for link in sorted(links, key=lambda link: (link.number, link.since or 0)):
        if link.since in best and link.number <= number:
            cost = best[link.since][0] + link.rows + OPENING
            if link.number not in best or cost < best[link.number][0]:
                best[link.number] = (cost, link)
    if number not in best:
        raise NoWay(number)
    found: list[Link] = []
    at: int | None = number
    while at is not None:
        last = best[at][1]
        assert last is not None  # noqa: S101 - only None has no link
        found.insert(0, last)
        at = last.since
    return found


def reachable(links: Sequence[Link]) -> set[int]:
    """The versions to which files lead."""
    known: set[int | None] = {None}
    for link in sorted(links, key=lambda link: (link.number, link.since or 0)):
        if link.since in known:
            known.add(link.number)
    return {number for number in known if number is not None}


def chained(parent: str, change: str) -> str:
    """The SHA-256 of a version that is a change: over its parent's and that of the file of changes, both in hex."""
    return hashlib.sha256(f"{parent}{change}".encode()).hexdigest()


RADIX = 8
"""So many changes in a row are put into one file, so many of those into a larger one, and so on."""
SHARE = 10
"""A whole table is written anew when the changes to be read are more than a SHARE-th of its rows."""
FEW = 2_000
"""So few changed rows are not worth a whole table, however small that is."""


def fold(found: Sequence[Link], rows: int) -> tuple[int | None, int] | None:
    """Which file would make the way `found` to a version of `rows` rows shorter: (since, number), since None = a whole table.

    None when the way is short enough. The whole table costs what it costs rarely; runs of small changes are gathered in
    between, so that however many there are, few files have to be opened.
    """
    changes = found[1:]
    if sum(link.rows for link in changes) > max(FEW, rows // SHARE):
        return None, found[-1].number
    for level in range(max((_level(link) for link in changes), default=-1) + 1):
        run = _tail(changes, level)
        if sum(_level(link) == level for link in run) >= RADIX:
            return run[0].since, run[-1].number
    return None


def _tail(changes: Sequence[Link], level: int) -> list[Link]:
    """The last links, as far back as they are of this level at most."""
    run: list[Link] = []
    for link in reversed(changes):
        if _level(link) > level:
            break
        run.insert(0, link)
    return run


def _level(link: Link) -> int:
    """0 for a change of one version, 1 for one over some RADIX versions, and so on."""
    level, span = 0, link.number - (link.since or 0)
    while span >= RADIX:
        level, span = level + 1, span // RADIX
    return level


def without(links: Iterable[Link], gone: Collection[int]) -> list[Link]:
    """The files that neither begin nor end at a version that goes."""
    return [link for link in links if link.number not in gone and link.since not in gone]


def between(links: Iterable[Link], since: int, number: int) -> list[Link] | None:
    """The cheapest changes that lead from one version to another; None when there are none."""
    found: dict[int, list[Link]] = {since: []}
    for link in sorted(links, key=lambda link: (link.number, link.since or 0)):
        if link.since in found and since < link.number <= number:
            path = [*found[link.since], link]
            if link.number not in found or _cost(path) < _cost(found[link.number]):
                found[link.number] = path
    return found.get(number)


def _cost(path: Sequence[Link]) -> int:
    return sum(link.rows + OPENING for link in path)
