"""Tables of a source on which a person decides: each is offered once, and one that was refused again when a person says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from ckanext.kzopen.publishing.harvest.model import NEEDS_DECISION, Item, Run, undecided
from ckanext.kzopen.publishing.model import UNDECIDED, Delivery
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

REFUSED = "refused"
DECIDED_ON = (*UNDECIDED, REFUSED)
"""States of a delivery on which a person decides, or has decided against it."""
_FORGET = text(
    """
    UPDATE kzopen.harvest_held SET hash = NULL, content = NULL, validators = '{}'
    WHERE source_id = :source AND guid = ANY (:guids)
    """
)
_STILL = text(
    """
    UPDATE kzopen.harvest_item item SET delivery_id = last.id, error = :error
    FROM kzopen.harvest_held held CROSS JOIN LATERAL (
        SELECT id, state FROM kzopen.delivery
        WHERE package_id = held.package_id AND source = 'harvest' AND sha256 = held.content
        ORDER BY received DESC LIMIT 1
    ) last
    WHERE item.run_id = :run AND item.outcome = 'unchanged' AND held.source_id = :source AND held.guid = item.guid
      AND last.state = ANY (:states)
    """
)


def offer_again(session: Session, source: UUID, guids: Sequence[str]) -> None:
    """Hold no longer what was refused of these items: it is fetched and offered once more."""
    session.execute(_FORGET, {"source": source, "guids": list(guids)})


def note_all(session: Session, run: Run) -> None:
    """Note on the unchanged items of a run which of their tables wait for a person, or were refused by one."""
    values = {"run": run.id, "source": run.source_id, "error": NEEDS_DECISION, "states": list(DECIDED_ON)}
    session.execute(_STILL, values)


def offered(session: Session, package_id: str, sha256: str | None) -> Delivery | None:
    """The last harvested delivery of these bytes to a data set, when it waits for a person or was refused; else None."""
    return _last(session, package_id, sha256, DECIDED_ON)


def waiting(session: Session, package_id: str, sha256: str | None) -> Delivery | None:
    """The same when it waits for a person; else None."""
    return _last(session, package_id, sha256, UNDECIDED)


def _last(session: Session, package_id: str, sha256: str | None, states: Sequence[str]) -> Delivery | None:
    wanted = select(Delivery).where(Delivery.package_id == package_id, Delivery.source == "harvest", Delivery.sha256 == sha256)
    last = session.scalars(wanted.order_by(Delivery.received.desc()).limit(1)).first()
    return last if last is not None and last.state in states else None


def note(item: Item, delivery: Delivery) -> None:
    """Tell on the item that a person decides on its delivery: that is no failure. In which state is asked of the delivery
    (`states_of`)."""
    item.delivery_id, item.error, item.error_params = delivery.id, NEEDS_DECISION, {}


def how_many(session: Session, run: Run) -> int:
    """How many items of a run wait for a person at this moment."""
    return session.scalar(select(func.count()).select_from(Item).where(Item.run_id == run.id, undecided())) or 0


def states_of(session: Session, items: Iterable[Item]) -> dict[UUID, str]:
    """The states of those deliveries of these items that wait for a person or were refused, by their numbers."""
    numbers = [item.delivery_id for item in items if item.error == NEEDS_DECISION]
    wanted = select(Delivery.id, Delivery.state).where(Delivery.id.in_(numbers), Delivery.state.in_(DECIDED_ON))
    return dict(session.execute(wanted).tuples().all()) if numbers else {}
