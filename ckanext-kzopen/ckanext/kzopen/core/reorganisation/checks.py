"""What must be true of an agency before anything is written; each raises KzError with the sentence for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from ckan import model
from ckanext.kzopen.core import identifiers
from ckanext.kzopen.core.agencies import tree
from ckanext.kzopen.core.agencies.model import KINDS, Agency, AnySession
from ckanext.kzopen.core.reorganisation.schema import FormerName
from ckanext.kzopen.core.reorganisation.store import is_kato
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import or_, select

ADDRESS = re.compile(r"[a-z0-9_-]{2,100}")


def known(session: AnySession, reference: str) -> Agency:
    """The agency with that id, address or BIN."""
    query = select(Agency).where(or_(Agency.id == reference, Agency.address == reference, Agency.bin == reference))
    row = session.scalars(query.where(Agency.state != "removed")).first()
    if row is None:
        raise KzError("agencies.unknown", agency=reference)
    return row


def active(session: AnySession, reference: str) -> Agency:
    """The same, when it still exists."""
    row = known(session, reference)
    if row.state == "liquidated":
        raise KzError("agencies.liquidated", date=row.liquidated_on)
    return row


def check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise KzError("agencies.kind_unknown", kind=kind, kinds=list(KINDS))


def check_kato(kato: str | None) -> None:
    if kato and not is_kato(kato):
        raise KzError("agencies.kato_wrong", kato=kato)


def check_bin(session: AnySession, number: str | None, own: str = "") -> str | None:
    """The twelve digits; None for none."""
    if not number:
        return None
    digits = identifiers.normalised(number)
    if digits is None or not identifiers.is_bin(digits):
        raise KzError("agencies.bin_wrong", bin=number)
    taken = session.scalars(select(Agency).where(Agency.bin == digits, Agency.id != own)).first()
    if taken is not None:
        raise KzError("agencies.bin_taken", bin=digits, agency=taken.name)
    return digits


def check_address(session: AnySession, address: str, own: str = "") -> None:
    if not ADDRESS.fullmatch(address):
        raise KzError("agencies.address_wrong", address=address)
    if session.scalar(select(model.Group.id).where(model.Group.name == address, model.Group.id != own)):
        raise KzError("agencies.address_taken", address=address)


def check_no_circle(session: AnySession, row: Agency, parent: Agency) -> None:
    if parent.id in tree.subordinates(session, row.id):
        raise KzError("agencies.circle", agency=parent.name)


def check_successor(row: Agency, successor: Agency, on: date) -> None:
    if successor.id == row.id:
        raise KzError("agencies.own_successor")
    if successor.state != "active" or (successor.liquidated_on is not None and successor.liquidated_on <= on):
        raise KzError("agencies.successor_liquidated", agency=successor.name)


def checked_history(names: Sequence[FormerName]) -> list[FormerName]:
    """Names in the order of time: each ends on the eve of the next, and only the last is open."""
    rows = sorted(names, key=lambda name: name.since)
    opened = [name for name in rows if name.until is None]
    if len(opened) > 1:
        raise KzError("agencies.two_open_names", first=opened[0].title.given(), second=opened[1].title.given())
    for before, after in pairwise(rows):
        if before.until is None or before.until >= after.since:
            raise KzError("agencies.names_overlap", first=before.title.given(), since=after.since)
        if before.until + timedelta(days=1) < after.since:
            raise KzError("agencies.names_gap", since=after.since)
    return rows
