"""Which saved searches a document may fit: PostgreSQL keeps with each what it demands, as `demands` reads it.

What was kept holds for one way of reading: with other code, words or sections every search is read anew.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from ckanext.kzopen.core.notices import searches
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.yaml_source import schemas
from ckanext.kzopen.search import demands, registry
from ckanext.kzopen.search.portal.question import filters_of
from ckanext.kzopen.search.registry import AnySession
from ckanext.kzopen.search.tree import Node, Nothing

log = logging.getLogger(__name__)

Read = TypeVar("Read")
Nodes = Callable[[str], Sequence[Node]]
"""What the address of a saved search asks for; raises KzError for one that is refused."""
LONGEST = 5.0
"""Seconds after which a go reads no further searches: all other notices wait for it."""
BATCH = 200
LIBRARIES = ("luqum", "snowballstemmer")


def meaning() -> int:
    """A number for all that decides what an address demands."""
    return _meaning(tuple(_sections()))


def _sections() -> Iterator[tuple[str, ...]]:
    for section in (None, *registry.sections()):
        kind = (section.entity_type, section.address) if section else ()
        yield (*kind, *(f"{one.name}={one.field}" for one in filters_of(section)))


@cache
def _meaning(sections: tuple[tuple[str, ...], ...]) -> int:
    found = hashlib.sha256(repr((sections, [version(name) for name in LIBRARIES])).encode())
    for path in sorted([*Path(__file__).parents[1].rglob("*.py"), *schemas("words").rglob("*.yaml")]):
        found.update(path.read_bytes())
    return int.from_bytes(found.digest()[:7])


def read(session: AnySession, nodes: Nodes) -> bool:
    """Note what each search demands that was saved since the last time; whether all were read within `LONGEST` seconds.

    A subscription that somebody is changing just now stays for the next time; it is among the candidates of any document.
    """
    until = time.monotonic() + LONGEST
    while unread := searches.unread(session, meaning(), BATCH):
        if time.monotonic() > until:
            return False
        noted = searches.note_demands(session, meaning(), {address: _demands(address, nodes) for address in unread})
        session.commit()
        if not noted:
            break
    return True


def _demands(address: str, nodes: Nodes) -> list[list[int]]:
    return understood(address, lambda asked: demands.demanded(nodes(asked)), demands.demanded([Nothing()]))


def understood(address: str, reading: Callable[[str], Read], otherwise: Read) -> Read:
    """What the address of a saved search means; `otherwise` for one that tells of nothing, which the log says."""
    try:
        return reading(address)
    except KzError as refused:
        log.warning("the saved search %s tells of nothing: %s", address, refused)
    except Exception:
        # It was saved under other code. It must keep neither other searches nor documents from being read.
        log.exception("the saved search %s cannot be read and tells of nothing", address)
    return otherwise


def candidates(session: AnySession, document: dict[str, Any]) -> Sequence[str]:
    """The addresses of the saved searches that a document may fit, among them all that it does fit."""
    return searches.candidates(session, meaning(), demands.offered(document))
