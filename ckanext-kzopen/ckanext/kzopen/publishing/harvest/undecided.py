"""Tables of a source that wait for a person: each is offered once, and again by the next run when the person refused it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ckanext.kzopen.publishing.harvest.model import NEEDS_DECISION, Item, Run, undecided
from ckanext.kzopen.publishing.model import UNDECIDED, Delivery
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

_REFUSED = text(
    """
    UPDATE kzopen.harvest_held held SET hash = NULL, content = NULL, validators = '{}'
    FROM kzopen.harvest_held offered CROSS JOIN LATERAL (
        SELECT state FROM kzopen.delivery
        WHERE package_id = offered.package_id AND source = 'harvest' AND sha256 = offered.content
        ORDER BY received DESC LIMIT 1
    ) last
    WHERE offered.source_id = :source AND offered.content IS NOT NULL AND last.state = 'refused'
      AND held.source_id = offered.source_id AND held.guid = offered.guid
    """
)
_STILL = text(
    """
    UPDATE kzopen.harvest_item item SET delivery_id = delivery.id, error = :error
    FROM kzopen.delivery JOIN kzopen.harvest_held held
      ON held.package_id = delivery.package_id AND held.content = delivery.sha256
    WHERE item.run_id = :run AND item.outcome = 'unchanged' AND held.source_id = :source AND held.guid = item.guid
      AND delivery.source = 'harvest' AND delivery.state = ANY (:undecided)
    """
)


def forget_refused(session: Session, source: UUID) -> None:
    """Hold no longer what was refused since it was offered: it is fetched and offered again where the source still has it."""
    session.execute(_REFUSED, {"source": source})


def note_all(session: Session, run: Run) -> None:
    """Note on the unchanged items of a run which of their tables still wait for a person."""
    values = {"run": run.id, "source": run.source_id, "error": NEEDS_DECISION, "undecided": list(UNDECIDED)}
    session.execute(_STILL, values)


def waiting(session: Session, package_id: str, sha256: str | None) -> Delivery | None:
    """The harvested delivery of these bytes to a data set that waits for a person, or None."""
    wanted = select(Delivery).where(Delivery.package_id == package_id, Delivery.source == "harvest")
    wanted = wanted.where(Delivery.sha256 == sha256, Delivery.state.in_(UNDECIDED))
    return session.scalars(wanted.order_by(Delivery.received.desc())).first()


def note(item: Item, delivery: Delivery) -> None:
    """Tell on the item that its delivery waits: that is no failure. In which state is asked of the delivery (`states_of`)."""
    item.delivery_id, item.error, item.error_params = delivery.id, NEEDS_DECISION, {}


def how_many(session: Session, run: Run) -> int:
    """How many items of a run wait for a person at this moment."""
    return session.scalar(select(func.count()).select_from(Item).where(Item.run_id == run.id, undecided())) or 0


def states_of(session: Session, items: Iterable[Item]) -> dict[UUID, str]:
    """The states of those deliveries of these items that wait for a person at this moment, by their numbers."""
    numbers = [item.delivery_id for item in items if item.error == NEEDS_DECISION]
    wanted = select(Delivery.id, Delivery.state).where(Delivery.id.in_(numbers), Delivery.state.in_(UNDECIDED))
    return dict(session.execute(wanted).tuples().all()) if numbers else {}
