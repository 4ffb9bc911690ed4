"""How long the bytes of deliveries are kept: the rules of `schemas/deliveries.yaml`, and the deletion of what is past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from ckanext.kzopen.core import files
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.yaml_source import Place, Source, read, schemas
from ckanext.kzopen.publishing import listings
from ckanext.kzopen.publishing.model import Delivery
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

SYSTEM = "system:publishing"
AT_ONCE = 500


class Rule(Source):
    """Bytes of deliveries that ended in `state` go `days` days later."""

    state: Literal["accepted", "refused"]
    days: int


class DeliveriesFile(Source):
    """What `schemas/deliveries.yaml` holds."""

    keeping: tuple[Rule, ...]


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """The rules; raises SourceError for what contradicts itself."""
    file, document = read(path or schemas("deliveries.yaml"), DeliveriesFile)
    if mistakes := list(_mistakes(file)):
        raise document.error(*mistakes)
    return file.keeping


def _mistakes(file: DeliveriesFile) -> Iterator[tuple[Place, str]]:
    seen: set[str] = set()
    for n, rule in enumerate(file.keeping):
        if rule.days < 1:
            yield ("keeping", n, "days"), "what came today is not deleted: give 1 day or more"
        if rule.state in seen:
            yield ("keeping", n, "state"), f"{rule.state} has a rule already"
        seen.add(rule.state)


def delete_past(session: Session, files_url: str, rules: Iterable[Rule], now: datetime) -> int:
    """Delete the bytes whose time is past, and the lists of findings beside them; of how many deliveries. Commits.

    Deliveries tell it before it is done: what a death leaves on the disk no delivery knows, and `publishing.tidy` deletes it.
    """
    number = 0
    for rule in rules:
        while gone := _mark(session, rule, now):
            session.commit()
            for path in gone:
                files.of(files_url).delete(path)
                files.of(files_url).delete(listings.beside(path))
            number += len(gone)
    return number


def _mark(session: Session, rule: Rule, now: datetime) -> list[str]:
    """Note on some deliveries that their bytes are deleted, with an event for each data set; the paths of the bytes."""
    ended = func.coalesce(Delivery.finished, Delivery.received)
    past = Delivery.state == rule.state, Delivery.bytes_deleted.is_(None), ended < now - timedelta(days=rule.days)
    wanted = select(Delivery.id).where(*past)
    if rule.state == "accepted":  # until then a person may have to try it again
        wanted = wanted.where(Delivery.settled.is_not(None))
    ids = list(session.scalars(wanted.order_by(ended).limit(AT_ONCE).with_for_update(skip_locked=True)))
    if not ids:
        return []
    named = (
        update(Delivery).where(Delivery.id.in_(ids)).values(bytes_deleted=now).returning(Delivery.package_id, Delivery.path)
    )
    found = session.execute(named.execution_options(synchronize_session=False)).all()
    for package_id, number in Counter(row.package_id for row in found).items():
        new = {"state": rule.state, "days": rule.days, "deliveries": number}
        write_event(session, kind="dataset", object_id=package_id, verb="delete_bytes", actor=SYSTEM, new=new)
    return [row.path for row in found]
