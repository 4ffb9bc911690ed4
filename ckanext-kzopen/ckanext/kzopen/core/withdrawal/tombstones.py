"""Asking for tombstones, and the answer that readers of a withdrawn thing get."""

from __future__ import annotations

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal.model import Withdrawal
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

_OF = select(Withdrawal).where(Withdrawal.kind == bindparam("kind"), Withdrawal.object_id == bindparam("thing"))
"""Built once: whoever reads or changes a data set or a file asks it."""


class Gone(KzError):
    """The thing was withdrawn: 410, with the date and the reason; `withdrawal` is the tombstone."""

    def __init__(self, withdrawal: Withdrawal) -> None:
        super().__init__("withdrawal.gone", at=withdrawal.at, reason=withdrawal.reason)
        self.withdrawal = withdrawal


def tombstone(session: Session, kind: str, object_id: str) -> Withdrawal | None:
    """The tombstone of a thing, or None."""
    return session.scalars(_OF, {"kind": kind, "thing": object_id}).first()


def tombstone_named(session: Session, kind: str, name: str) -> Withdrawal | None:
    """The newest tombstone of that kind under a name, for addresses whose thing is not even in the database any more."""
    wanted = select(Withdrawal).where(Withdrawal.kind == kind, Withdrawal.name == name)
    return session.scalars(wanted.order_by(Withdrawal.at.desc())).first()


def refuse(found: Withdrawal | None) -> None:
    """Raise what a reader is told: Gone of what was public, web.not_found of what was not; nothing without a tombstone."""
    if found is not None:
        raise Gone(found) if found.public else KzError("web.not_found")


def refuse_if_gone(session: Session, kind: str, object_id: str) -> None:
    """Raise Gone, or web.not_found, when this thing was withdrawn."""
    refuse(tombstone(session, kind, object_id))


def withdrawn_versions(session: Session, package_id: str) -> list[Withdrawal]:
    """The tombstones of a data set's versions, the newest version first."""
    wanted = select(Withdrawal).where(Withdrawal.kind == "version", Withdrawal.object_id.startswith(f"{package_id}/"))
    return sorted(session.scalars(wanted), key=lambda row: -int(row.parts["number"]))


def under_way(session: Session) -> list[Withdrawal]:
    """Withdrawals that some place has not followed yet, the oldest first."""
    return list(session.scalars(select(Withdrawal).where(Withdrawal.complete.is_(None)).order_by(Withdrawal.at)))
