"""The desk of data sets, and what waits there: deliveries to decide, to mend, to try again; tables whose renewal is due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ckan import model
from ckanext.kzopen.core.desk import Button, Desk, Findable, Hit, Task, Visitor, register, register_findable
from ckanext.kzopen.core.desk.finding import MOST as MOST_HITS
from ckanext.kzopen.core.people.assignments.listing import contains
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.publishing import decide, renewal
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.validators import from_json
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

MOST = 100
"""Tasks of one kind that are shown; the oldest first, so that the rest come up as these are done."""
GIVEN_UP_AFTER = timedelta(minutes=1)
TITLE = {"kk": "Деректер жиындары", "ru": "Наборы данных", "en": "Data sets"}
DELIVERIES = {"kk": "Жеткізілімдер", "ru": "Поставки данных", "en": "Deliveries"}
DECIDE = {"kk": "Жариялау туралы шешім қабылдау", "ru": "Решить о публикации", "en": "Decide on the publication"}
RELEASE = {
    "kk": "Оқшауланған жеткізілім туралы шешім қабылдау",
    "ru": "Решить о поставке в карантине",
    "en": "Decide on a delivery in quarantine",
}
MEND = {
    "kk": "Файлды түзетіп, қайта жіберу",
    "ru": "Исправить файл и отправить снова",
    "en": "Correct the file and send it again",
}
RETRY = {"kk": "Өңдеу сәтсіз аяқталды", "ru": "Обработка не удалась", "en": "Processing failed"}
AGAIN = {"kk": "Қайта өңдеу", "ru": "Обработать заново", "en": "Try again"}
RENEW = {"kk": "Деректерді жаңарту", "ru": "Обновить данные", "en": "Renew the data"}


def tasks(session: Session, visitor: Visitor) -> Iterable[Task]:
    """What waits for this person at the desk of data sets."""
    yield from _to_decide(session, visitor.scope("publishing.approve"))
    yield from _to_release(session, visitor.scope("publishing.release"))
    yield from _to_mend(session, visitor.scope("publishing.deliver"))
    yield from _to_try_again(session, visitor.scope("publishing.deliver"))
    yield from _to_renew(session, visitor.scope("publishing.deliver"))


def _to_decide(session: Session, agencies: frozenset[str] | None) -> Iterator[Task]:
    """What was sent to be published; a system's check of its own rows waits for nobody."""
    asked_only = and_(Delivery.waits_for == "check", Delivery.source == "api")
    waiting = and_(Delivery.state == "awaiting_approval", Delivery.approver.is_(None), ~func.coalesce(asked_only, False))
    for delivery, package in _deliveries(session, waiting, agencies):
        yield _task(delivery, package, DECIDE, delivery.checked or delivery.received)


def _to_release(session: Session, agencies: frozenset[str] | None) -> Iterator[Task]:
    waiting = and_(Delivery.state == "quarantined", Delivery.approver.is_(None))
    for delivery, package in _deliveries(session, waiting, agencies):
        yield _task(delivery, package, RELEASE, delivery.checked or delivery.received)


def _to_mend(session: Session, agencies: frozenset[str] | None) -> Iterator[Task]:
    """Refused deliveries after which nothing was sent to that data set."""
    later = aliased(Delivery)
    newer = select(later.id).where(later.package_id == Delivery.package_id, later.received > Delivery.received).exists()
    for delivery, package in _deliveries(session, and_(Delivery.state == "refused", ~newer), agencies):
        yield _task(delivery, package, MEND, delivery.finished or delivery.received)


def _to_try_again(session: Session, agencies: frozenset[str] | None) -> Iterator[Task]:
    found = {delivery.id: (delivery, package) for delivery, package in _deliveries(session, _unfinished(), agencies)}
    for delivery in decide.stuck(session, [delivery for delivery, _ in found.values()]):
        button = Button(f"/staff/deliveries/{delivery.id}/again", AGAIN)
        yield _task(delivery, found[delivery.id][1], RETRY, delivery.checking or delivery.received, button)


def _unfinished() -> ColumnElement[bool]:
    """Deliveries on which somebody should be at work; those of the last minute are left to the worker."""
    approved = and_(Delivery.state.in_(("awaiting_approval", "quarantined")), Delivery.approver.is_not(None))
    spreading = and_(Delivery.state == "accepted", Delivery.settled.is_(None))
    before = datetime.now(ASTANA) - GIVEN_UP_AFTER
    working = and_(Delivery.state.in_(("received", "checking")) | approved | spreading, Delivery.received < before)
    planned = and_(Delivery.state == "scheduled", Delivery.publish_at < before)
    return working | planned | (Delivery.state == "failed")


def _to_renew(session: Session, agencies: frozenset[str] | None) -> Iterator[Task]:
    today = datetime.now(ASTANA).date()
    for found in renewal.due_soon(session, agencies, today, MOST):
        link = f"/staff/datasets/{found.uri}/deliveries/new"
        due, why = found.deadline.date, found.deadline.explanation
        yield Task(_title(found.package), link, RENEW, found.package.owner_org, due=due, why=why)


def _deliveries(
    session: Session, condition: ColumnElement[bool], agencies: frozenset[str] | None
) -> list[tuple[Delivery, Any]]:
    wanted: Select[Any] = select(Delivery, model.Package).join(model.Package, model.Package.id == Delivery.package_id)
    wanted = wanted.where(condition, model.Package.state == model.State.ACTIVE)
    if agencies is not None:
        wanted = wanted.where(model.Package.owner_org.in_(agencies))
    return [(row[0], row[1]) for row in session.execute(wanted.order_by(Delivery.received).limit(MOST))]


def _task(delivery: Delivery, package: Any, kind: dict[str, str], since: datetime, button: Button | None = None) -> Task:
    return Task(_title(package), f"/staff/deliveries/{delivery.id}", kind, package.owner_org, since=since, button=button)


def _title(package: Any) -> Any:
    return from_json((package.extras or {}).get("title_translated")) or package.title


def find_datasets(session: Session, visitor: Visitor, words: str) -> Iterator[Hit]:
    """Data sets of my agencies by a part of their title in any language or of their name in addresses."""
    scope, like = visitor.scope("publishing.see"), contains(words)
    titles = model.Package.extras["title_translated"].astext
    wanted: Select[Any] = select(model.Package).join(Passport, Passport.package_id == model.Package.id)
    wanted = wanted.where(model.Package.state == model.State.ACTIVE)
    wanted = wanted.where(titles.ilike(like) | model.Package.title.ilike(like) | model.Package.name.ilike(like))
    wanted = wanted.order_by(model.Package.metadata_modified.desc()).limit(MOST_HITS)
    for package in session.scalars(wanted if scope is None else wanted.where(model.Package.owner_org.in_(scope))):
        yield Hit(_title(package), f"/staff/datasets/{package.name}", package.name)


def find_deliveries(session: Session, visitor: Visitor, words: str) -> Iterator[Hit]:
    """The delivery of that number, when it is one of my agencies'."""
    try:
        delivery = session.get(Delivery, UUID(words))
    except ValueError:
        return
    if delivery is not None and delivery.owner_org and visitor.may("publishing.see", delivery.owner_org):
        yield Hit(str(delivery.id), f"/staff/deliveries/{delivery.id}", delivery.uri)


register_findable(Findable("datasets", TITLE, find_datasets, order=10))
register_findable(Findable("deliveries", DELIVERIES, find_deliveries, order=20))
register(Desk("datasets", TITLE, "/staff/datasets", "publishing.see", tasks, order=10))
