"""What is erased of a deleted account a little later."""

from __future__ import annotations

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.people.leaving import deletion


@jobs.task(deletion.FORGET)
def forget(person: str) -> None:
    """Whoever wrote to a person while the account was being deleted has committed by now."""
    deletion.forget(model.Session, person)
    model.Session.commit()
