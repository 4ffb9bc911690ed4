"""Taking a data set from the public for a time, and giving it back: nothing is deleted, and its agency goes on seeing it."""

from __future__ import annotations

from ckan import model
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.publishing import datasets, rights
from ckanext.kzopen.publishing.decide import reason_of
from ckanext.kzopen.publishing.model import Passport
from sqlalchemy.orm import Session


def set_public(session: Session, user: str, passport: Passport, public: bool, reason: str, address: str | None = None) -> None:
    """Close a data set for all but its agency, or open it again, with a reason for the event log; commits.

    Raises what `rights.require` and `decide.reason_of` raise. What is so already stays so, without an event.
    """
    rights.require(user, rights.WITHDRAW, passport.package_id)
    told = reason_of(reason)
    package = model.Package.get(passport.package_id)
    assert package is not None  # noqa: S101 - who may withdraw it was found by it
    if package.private is not public:
        return
    write_event(
        session,
        kind="dataset",
        object_id=passport.package_id,
        verb="open_to_public" if public else "close_to_public",
        actor=datasets.user_id(user),
        reason=told,
        address=address,
        agency=package.owner_org,
    )
    datasets.act(session, "package_patch", user, {"id": package.id, "private": not public})
    session.commit()
