"""Whom deliveries concern: their sender, those who may approve them, and the followers of the data set and its agency.

The `notify` lists of `schemas/states/delivery.yaml` say who is told of which transition.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import notices, withdrawal
from ckanext.kzopen.core.agencies import tree
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import Telling
from ckanext.kzopen.core.outbox import Message
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.withdrawal.post import names
from ckanext.kzopen.publishing import compatibility
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.rights import acts_by_itself
from ckanext.kzopen.publishing.validators import from_json
from ckanext.kzopen.rows import model as versions
from sqlalchemy import text
from sqlalchemy.orm import Session

SECTION = "opendata"
KIND = "package"
BAD_NEWS = ("refused", "failed", "quarantined", "withdrawn")
"""States of a delivery that its sender is mailed; who sends every day need not read every day that all went well."""
URGENT = ("delivery.waiting", "delivery.unshown")
"""Kinds of notices that are mailed whatever the state is called."""
LABEL: Words = {"kk": "Хабарламалар", "ru": "Уведомления", "en": "Notices"}
_NEAR = text(
    """
    SELECT person FROM kzopen.assignment WHERE agency = ANY (CAST(:agencies AS text[])) AND (until IS NULL OR until > now())
    UNION SELECT substitute FROM kzopen.delegation WHERE agency = ANY (CAST(:agencies AS text[])) AND until > now()
    UNION SELECT table_id FROM member
        WHERE table_name = 'user' AND state = 'active' AND group_id = ANY (CAST(:agencies AS text[]))
    """
)


def register() -> None:
    """Announce who may see data sets, and what is told of each transition that notifies anybody."""
    notices.visible(KIND, may_see)
    withdrawal.register(withdrawal.Place("notices", LABEL, _take_out, _is_out, at_once=True))
    for name, way in machine_of("delivery").transitions.items():
        if way.notify:
            notices.on(f"delivery.{name}", told)


def _take_out(session: Session, thing: withdrawal.Thing) -> None:
    notices.take_out(session, names(thing), "withdrawn")


def _is_out(session: Session, thing: withdrawal.Thing) -> bool:
    return notices.is_out(session, names(thing))


def may_see(_session: AnySession, package_id: str, readers: frozenset[str]) -> frozenset[str] | None:
    """Those who may see the data set: everybody when it is public, else whom CKAN lets see it."""
    package = model.Package.get(package_id)
    if package is None:
        return frozenset()
    if package.state == "active" and not package.private:
        return None
    return frozenset(reader for reader in readers if _may(reader, package_id))


def _may(reader: str, package_id: str) -> bool:
    user = model.User.get(reader)
    if user is None or user.state != "active":
        return False
    try:
        tk.check_access("package_show", {"user": user.name}, {"id": package_id})
    except tk.NotAuthorized:
        return False
    return True


def told(session: AnySession, message: Message) -> list[Telling]:
    """What is told of one change of a delivery's state; nothing of one to a data set that is gone or was withdrawn.

    Of that its tombstone tells; news of it would bring the title back into feeds and mails.
    """
    delivery = session.get(Delivery, UUID(message.key))
    package = model.Package.get(delivery.package_id) if delivery else None
    if delivery is None or package is None or withdrawal.tombstone(cast("Session", session), "dataset", package.id):
        return []
    state = str(message.payload["to"])
    asked_only = state == "awaiting_approval" and delivery.waits_for == "check"
    to_all = "delivery.unshown" if state == "accepted" else "delivery.state"
    makers = {
        "sender": lambda: _to_people(delivery, package, "delivery.state", _readers(delivery.sender), state),
        "sender_and_approvers": lambda: _to_people(delivery, package, to_all, _all(session, delivery, package), state),
        "approvers": lambda: _to_people(delivery, package, "delivery.waiting", approvers(session, package.owner_org), state),
        "followers": lambda: _to_followers(session, delivery, package, state),
    }
    wanted = [who for who in message.payload["notify"] if who in makers and not (asked_only and who == "approvers")]
    made = [makers[who]() for who in wanted]
    return [one for one in made if one.followers or one.people]


def _readers(sender: str) -> tuple[str, ...]:
    """Whom news for the sender reach: nobody where a program has sent it."""
    return () if acts_by_itself(sender) else (sender,)


def _all(session: AnySession, delivery: Delivery, package: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*_readers(delivery.sender), *approvers(session, package.owner_org))))


def _to_people(delivery: Delivery, package: Any, kind: str, people: tuple[str, ...], state: str) -> Telling:
    values = {"title": title_of(package), "state": machine_of("delivery").states[state].label}
    values |= {"link": f"/staff/deliveries/{delivery.id}", "version": str(delivery.version or "")}
    how = "at_once" if kind in URGENT or state in BAD_NEWS else "feed"
    return Telling(kind, f"{KIND}:{package.id}", values, people=people, how=how, followers=False, part=kind)


def _to_followers(session: AnySession, delivery: Delivery, package: Any, state: str) -> Telling:
    kind = "dataset.withdrawn" if state == "withdrawn" else "dataset.version"
    title = title_of(package)
    values = {"title": title, "version": str(delivery.version or ""), "rows": delivery.rows or 0}
    values |= {"link": f"/dataset/{package.name}", **_columns(session, delivery)}
    words = (*(title.values() if isinstance(title, dict) else [title]), *(tag.name for tag in package.get_tags()))
    return Telling(
        kind,
        f"{KIND}:{package.id}",
        values,
        agency=package.owner_org,
        section=SECTION,
        words=tuple(words),
        begins=kind == "dataset.version" and delivery.version == 1,
        part=kind,
    )


def _columns(session: AnySession, delivery: Delivery) -> dict[str, str]:
    """Which columns the version brings, takes away or gives another type, against the one before it."""
    number = delivery.version or 0
    if number <= 1:
        return {}
    here = cast("Session", session)
    new, old = versions.numbered(here, delivery.uri, number), versions.numbered(here, delivery.uri, number - 1)
    found = asdict(compatibility.compared(old.schema, new.schema)) if old and new else {}
    return {kind: ", ".join(found.get(kind, ())) for kind in ("added", "gone", "retyped")}


def title_of(package: Any) -> Any:
    """The name of a data set, in languages where it has them."""
    return from_json((package.extras or {}).get("title_translated")) or package.title or package.name


def approvers(session: AnySession, agency: str) -> tuple[str, ...]:
    """The accounts that may approve deliveries to an agency's data sets, of it or of one above it; not the operators."""
    above = [agency, *tree.ancestors(session, agency)]
    near = session.execute(_NEAR, {"agencies": above}).scalars().all()
    return tuple(sorted(person for person in near if rights.allowed(person, "publishing.approve", agency)))
