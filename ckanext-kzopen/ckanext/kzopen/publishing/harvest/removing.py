"""What the source no longer has is withdrawn here: out of the catalogue; its versions, its history and a leaf stay."""

from __future__ import annotations

from datetime import UTC, datetime

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import outbox, record
from ckanext.kzopen.publishing.harvest import failing
from ckanext.kzopen.publishing.harvest.comparing import removals_left
from ckanext.kzopen.publishing.harvest.model import WRITES, Held, Item, Run, Source
from ckanext.kzopen.publishing.harvest.sources import actor_of
from ckanext.kzopen.publishing.package import site_user
from sqlalchemy.orm import Session


def allowed(removals: int, held: int, threshold: float) -> bool:
    """Whether so many of the held data sets may go without asking a person."""
    return removals <= held * threshold


def remove_all(session: Session, source: Source, run: Run) -> None:
    """Withdraw what is left to be withdrawn; commits after each, so that a death in between repeats nothing.

    One that cannot be withdrawn fails alone, and is withdrawn by a later run.
    """
    for item in removals_left(session, run):
        key = (item.run_id, item.guid)
        try:
            if run.purpose in WRITES:
                _withdraw(session, source, item)
            item.outcome, item.finished = "removed", datetime.now(UTC)
            session.commit()
        except BaseException as error:  # noqa: BLE001 - `told` raises again what is no fault of the source
            failing.note(session, key, item, failing.told(error, failing.ITEM))


def _withdraw(session: Session, source: Source, item: Item) -> None:
    held = session.get(Held, (source.id, item.guid))
    if held is None or held.gone is not None:
        return
    held.gone = datetime.now(UTC)
    package = model.Package.get(held.package_id)
    if package is None or package.state != model.State.ACTIVE:
        return
    told = {"uri": held.uri, "source": source.name, "guid": item.guid, "state": "withdrawn", "run": str(item.run_id)}
    number, agency = str(held.package_id), source.agency_id
    record.write_event(
        session, kind="dataset", object_id=number, verb="withdraw", actor=actor_of(source), agency=agency, new=told
    )
    record.append(session, "dataset", number, told)
    outbox.emit(session, "dataset.withdraw", number)
    item.outcome, item.finished = "removed", datetime.now(UTC)
    # CKAN's action commits, and all of the above with it.
    tk.get_action("package_delete")({"user": site_user(), "ignore_auth": True}, {"id": held.package_id})
