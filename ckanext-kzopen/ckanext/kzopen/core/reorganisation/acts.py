"""What is done to agencies. Each act writes the agency, its dates and CKAN's organisation; the caller commits.

The rights were asked by the authorization function of the action.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import states
from ckanext.kzopen.core.agencies import tree
from ckanext.kzopen.core.agencies.model import EVER, Agency, AgencyName, AgencyParent, AnySession, columns_of, today
from ckanext.kzopen.core.reorganisation import addresses, checks, dated, following, liquidation, store
from ckanext.kzopen.core.reorganisation.schema import Creation, Liquidation, Moving, Renaming, Update
from ckanext.kzopen.core.reorganisation.telling import granted, tell
from ckanext.kzopen.core.web.errors import KzError
from slugify import slugify
from sqlalchemy import delete, func, select

KIND = "agency"
LONGEST_ADDRESS = 100


def create(session: AnySession, wanted: Creation, user: str, actor: str) -> Agency:
    """A new agency: CKAN's organisation is made by CKAN's own action, and the agency follows it."""
    name = wanted.title.given()
    if not name:
        raise KzError("agencies.name_missing")
    history = checks.checked_history(wanted.names)
    address = wanted.address or address_for(name)
    checks.check_address(session, address)
    checks.check_kind(wanted.kind)
    checks.check_kato(wanted.kato)
    number = checks.check_bin(session, wanted.bin)
    parent = checks.active(session, wanted.parent) if wanted.parent else None
    columns = columns_of(name, wanted.short.given())
    row = Agency(address=address, kind=wanted.kind, bin=number, kato=wanted.kato or None, **dict[str, Any](columns))
    extras = [{"key": key, "value": value} for key, value in store.extras_of(row, wanted.extras).items()]
    groups = [{"name": parent.address}] if parent else []
    values = {"name": address, "title": store.title_of(name), "extras": extras, "groups": groups}
    context = {"user": user, "ignore_auth": True, "defer_commit": True}
    made = tk.get_action("organization_create")(context, values)["id"]
    following.follow(session, [made], actor)
    for former in history[:-1]:
        dated.put_name(session, made, former.since, columns_of(former.title.given(), former.short.given()))
    if history:
        session.execute(delete(AgencyName).where(AgencyName.agency == made, AgencyName.since == EVER))
        dated.put_name(session, made, history[-1].since, columns)
    return session.get_one(Agency, made)


def address_for(name: dict[str, str]) -> str:
    """An address made of the name, Russian first: its spelling in Latin letters is the best known."""
    text = name.get("ru") or next(iter(name.values()))
    return str(slugify(text, max_length=LONGEST_ADDRESS)) or "agency"


def update(session: AnySession, wanted: Update, actor: str) -> Agency:
    """Change codes, kind and address, and mend the present name."""
    row = _locked(session, checks.known(session, wanted.id))
    new: dict[str, str | None] = {}
    if wanted.kind is not None:
        checks.check_kind(wanted.kind)
        new["kind"] = wanted.kind
    if wanted.kato is not None:
        checks.check_kato(wanted.kato)
        new["kato"] = wanted.kato or None
    if wanted.bin is not None:
        new["bin"] = checks.check_bin(session, wanted.bin, row.id)
    _readdress(session, row, wanted.address)
    changed = {field: value for field, value in new.items() if getattr(row, field) != value}
    if changed:
        old = {field: getattr(row, field) for field in changed}
        for field, value in changed.items():
            setattr(row, field, value)
        session.flush()
        tell(session, row, "update", old, changed, actor)
    names = columns_of(
        wanted.title.given() if wanted.title else row.name, wanted.short.given() if wanted.short is not None else row.short
    )
    if names != row.columns:
        if wanted.title is not None and not wanted.title.given():
            raise KzError("agencies.name_missing")
        following.correct(session, row, names, actor)
    store.write(session, row)
    return row


def rename(session: AnySession, wanted: Renaming, actor: str) -> Agency:
    """Another name from a day on: today's is shown at once, a later one by itself when its day comes."""
    row = _locked(session, checks.active(session, wanted.id))
    if not wanted.title.given():
        raise KzError("agencies.name_missing")
    since = wanted.since or today()
    short = wanted.short.given() if wanted.short is not None else {}
    columns = columns_of(wanted.title.given(), short)
    last = _last(session, AgencyName, row.id)
    if last is not None and last.since == since and since != today():
        raise KzError("agencies.name_since_taken", since=since)
    if last is not None and last.since > since:
        raise KzError("agencies.before_last_name", since=last.since)
    if last is not None and last.columns == columns:
        raise KzError("agencies.name_same")
    told = dict[str, Any](columns if since <= today() else {"announced": store.title_of(wanted.title.given())})
    states.change(session, KIND, row, "rename", actor, reason=wanted.reason, allowed=granted, effective=since, **told)
    dated.put_name(session, row.id, since, columns)
    _readdress(session, row, wanted.address)
    store.write(session, row)
    return row


def move(session: AnySession, wanted: Moving, actor: str) -> Agency:
    """Another place in the tree from a day on."""
    row = _locked(session, checks.active(session, wanted.id))
    parent = checks.active(session, wanted.parent) if wanted.parent else None
    if parent is not None:
        checks.check_no_circle(session, row, parent)
    since = wanted.since or today()
    last = _last(session, AgencyParent, row.id)
    if last is not None and (last.since > since or (last.since == since and since != today())):
        raise KzError("agencies.place_since_taken", since=last.since)
    target = parent.id if parent else None
    told: dict[str, Any] = {"parent" if since <= today() else "announced": target}
    states.change(session, KIND, row, "move", actor, reason=wanted.reason, allowed=granted, effective=since, **told)
    dated.put_parent(session, row.id, since, target)
    store.write(session, row)
    return row


def liquidate(session: AnySession, wanted: Liquidation, actor: str) -> tuple[Agency, dict[str, int]]:
    """The end of an agency, today or on a later day, and what went over to the successor."""
    row = _locked(session, checks.active(session, wanted.id))
    if wanted.cancel:
        if row.liquidated_on is None:
            raise KzError("agencies.nothing_planned")
        states.change(session, KIND, row, "cancel_liquidation", actor, allowed=granted, liquidated_on=None, successor=None)
        return row, {}
    if row.liquidated_on is not None:
        raise KzError("agencies.already_planned", date=row.liquidated_on)
    on = wanted.on or today()
    successor = checks.known(session, wanted.successor) if wanted.successor else None
    if successor is not None:
        checks.check_successor(row, successor, on)
    elif any((left := owned(session, row.id)).values()):
        raise KzError("agencies.successor_needed", **dict[str, Any](left))
    fields = {"liquidated_on": on, "successor": successor.id if successor else None}
    if on > today():
        states.change(
            session, KIND, row, "plan_liquidation", actor, reason=wanted.reason, allowed=granted, **dict[str, Any](fields)
        )
        return row, {}
    given = dict[str, Any](fields) | {"reason": wanted.reason, "allowed": granted}
    return row, liquidation.carry_out(session, row, "liquidate", actor, **given)


def owned(session: AnySession, agency_id: str) -> dict[str, int]:
    """What stands against an end without a successor: how many data sets and agencies below."""
    sets = session.scalar(select(func.count()).where(model.Package.owner_org == agency_id, model.Package.state == "active"))
    return {"sets": sets or 0, "below": len(tree.subordinates(session, agency_id)) - 1}


def _locked(session: AnySession, row: Agency) -> Agency:
    session.refresh(row, with_for_update={"key_share": True})
    return row


def _readdress(session: AnySession, row: Agency, address: str | None) -> None:
    if address and address != row.address:
        checks.check_address(session, address, row.id)
        addresses.changed(session, row.id, row.address, address)
        row.address = address
        session.flush()


def _last(session: AnySession, table: Any, agency_id: str) -> Any:
    return session.scalars(select(table).where(table.agency == agency_id).order_by(table.since.desc()).limit(1)).first()
