"""The staff's decisions on deliveries: refuse, let out of quarantine; what `staff/decision.html` offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.publishing import datasets, decide, rights, rules
from ckanext.kzopen.publishing.desk import Page, blueprint, me
from ckanext.kzopen.publishing.model import UNDECIDED, Delivery
from ckanext.kzopen.publishing.stops import told
from ckanext.kzopen.publishing.waiting import is_under_way, wait_for
from flask import request
from sqlalchemy import func, select

Decide = Callable[[Any, Delivery, str, str, str | None], None]


@dataclass(frozen=True)
class Offer:
    """What the visitor may do with a delivery, and what they have to know first."""

    stops: tuple[str, ...]
    refuse: bool
    release: bool
    own: bool
    overtaken: int | None


def offer(delivery: Delivery) -> Offer:
    """The visitor's decisions; `own` is whether they sent it and the agency wants somebody else to decide, `overtaken` the
    version that a delivery which came later has made meanwhile."""
    waits = not is_under_way(delivery)
    quarantined = delivery.state == "quarantined" and waits
    may_approve = rights.may(me(), rights.APPROVE, delivery.package_id)
    may_release = rights.may(me(), rights.RELEASE, delivery.package_id)
    own = datasets.user_id(me()) == delivery.sender and rules.needs_second_person(model.Session(), delivery)
    return Offer(
        stops=tuple(told(stop, request_language())["sentence"] for stop in delivery.stops),
        refuse=(quarantined and may_release)
        or (delivery.state in ("awaiting_approval", "scheduled") and waits and may_approve),
        release=quarantined and may_release and not own,
        own=own,
        overtaken=_overtaken(delivery),
    )


def _overtaken(delivery: Delivery) -> int | None:
    if delivery.state not in UNDECIDED:
        return None
    later = select(func.max(Delivery.version)).where(
        Delivery.package_id == delivery.package_id, Delivery.received > delivery.received, Delivery.state == "accepted"
    )
    return model.Session().scalar(later)


@blueprint.post("/deliveries/<uuid:number>/refuse")
def refuse_delivery(number: UUID) -> Page:
    """Say no to a delivery, with a reason."""
    return _decide(number, decide.refuse)


@blueprint.post("/deliveries/<uuid:number>/release")
def release_delivery(number: UUID) -> Page:
    """Let a delivery out of quarantine, with a reason."""
    return _decide(number, decide.release)


def _decide(number: UUID, step: Decide) -> Page:
    row = _mine(number, step)
    try:
        step(model.Session(), row, datasets.user_id(me()), request.form.get("reason", ""), request.remote_addr)
        wait_for(model.Session(), row, tk.config["kzopen.answer_wait"])
    except KzError as error:
        model.Session.rollback()
        tk.h.flash_error(error.text(request_language()))
    return tk.h.redirect_to("kzopen_staff.delivery", number=number)


def _mine(number: UUID, step: Decide) -> Delivery:
    row = model.Session().get(Delivery, number)
    if row is None:
        raise KzError("publishing.unknown_delivery")
    if not rights.may(me(), rights.SEE, row.package_id):
        raise KzError("publishing.not_readable")
    releases = step is decide.release or row.state == "quarantined"
    rights.require(me(), rights.RELEASE if releases else rights.APPROVE, row.package_id)
    return row
