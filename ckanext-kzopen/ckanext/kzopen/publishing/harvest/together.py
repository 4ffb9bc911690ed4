"""New data sets of one batch that are published together: what each of them costs alone is mostly the transaction's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ckanext.kzopen.publishing import first
from ckanext.kzopen.publishing.harvest.model import Held, Item, Run
from ckanext.kzopen.publishing.harvest.told import Told
from sqlalchemy import bindparam, select, text, update

if TYPE_CHECKING:
    from ckanext.kzopen.publishing.harvest.landing import Visit

_LEARNT = text(
    """
    UPDATE kzopen.harvest_held held SET hash = new.hash, passport = new.passport, content = new.content,
        validators = new.validators, changed = now()
    FROM jsonb_to_recordset(:learnt) AS new (guid text, hash text, passport text, content text, validators jsonb)
    WHERE held.source_id = :source AND held.guid = new.guid
    """
).bindparams(bindparam("learnt", type_=Told))
NOT_YET = ""
"""The fingerprint of a data set that was begun, but has not come to its end in any run."""


@dataclass(frozen=True)
class Waiting:
    """An item whose data set is new and ready: `passport` and `content` are the SHA-256 of both, `validators` what was learnt
    of its addresses."""

    item: Item
    guid: str
    hash: str | None
    ready: first.Ready
    passport: str
    content: str
    validators: Mapping[str, Any]


def publish(visit: Visit, several: Sequence[Waiting]) -> None:
    """Bring the items to their outcome and commit; raises what `first.publish` raises, and none of them is published.

    Nothing is published for a run that ended meanwhile. The run is held until the data sets are there: who ends it waits.
    """
    session = visit.session
    if session.scalar(select(Run.state).where(Run.id == visit.run.id).with_for_update(read=True)) != "fetching":
        session.rollback()
        first.give_up(visit.site, [one.ready for one in several])
        return
    try:
        _publish(visit, several)
    except Exception:
        session.rollback()  # from here on items tell again what is in the database
        raise


def _publish(visit: Visit, several: Sequence[Waiting]) -> None:
    session = visit.session
    for one in several:
        one.item.uri, one.item.delivery_id = one.ready.delivery.uri, one.ready.delivery.id
        session.add(_begun(visit, one))
    first.publish(session, visit.site, [one.ready for one in several])
    session.execute(_LEARNT, {"source": visit.source.id, "learnt": [_learnt(one) for one in several]})
    # What a person ended meanwhile has its outcome.
    of_all = update(Item).where(
        Item.run_id == visit.run.id, Item.guid.in_([one.guid for one in several]), Item.outcome.is_(None)
    )
    session.execute(of_all.values(outcome="added", finished=datetime.now(UTC), error=None, error_params={}))
    session.commit()


def _learnt(one: Waiting) -> dict[str, Any]:
    """What is kept of an item that was published, by its columns in `Held`, of which nobody has the object any more."""
    told = {"hash": one.hash, "passport": one.passport, "content": one.content, "validators": dict(one.validators)}
    return {"guid": one.guid, **told}


def _begun(visit: Visit, one: Waiting) -> Held:
    """Whose a new data set is, from the first moment on: a run after a death goes on with it."""
    passport = one.ready.new.passport
    return Held(
        source_id=visit.source.id,
        guid=one.guid,
        package_id=passport.package_id,
        uri=passport.uri,
        fingerprint=visit.run.fingerprint,
        passport=NOT_YET,
        validators={},
        run_id=visit.run.id,
    )
