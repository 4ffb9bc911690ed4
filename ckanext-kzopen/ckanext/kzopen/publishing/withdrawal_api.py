"""Withdrawal in the universal API: `POST …/withdraw` of a data set, a version, a file; `?check=only` shows it first."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.core.web.problem import problem, request_language
from ckanext.kzopen.core.withdrawal import Gone, Order, Thing, Withdrawal, kinds, places, refuse_if_gone
from ckanext.kzopen.core.withdrawal.answers import told
from ckanext.kzopen.core.withdrawal.carry_out import carry_out, require_right
from ckanext.kzopen.core.withdrawal.order import cleaned_reason
from ckanext.kzopen.core.withdrawal.places import holding
from ckanext.kzopen.publishing import datasets
from ckanext.kzopen.publishing.answers import PlaceAnswer, WithdrawalAnswer, WithdrawalOrder
from ckanext.kzopen.publishing.api import answered, blueprint, sender, small_body
from ckanext.kzopen.publishing.calls import WithdrawalQuery, query
from flask import Response, request


@blueprint.errorhandler(Gone)
def gone(error: Gone) -> Response:
    """The tombstone, as a problem object."""
    return problem(error, withdrawn=told(error.withdrawal))


@blueprint.post("/datasets/<uri>/withdraw")
def withdraw_dataset(uri: str) -> Response:
    """Take the whole data set out of every place."""
    return _withdraw(uri, "dataset", uri)


@blueprint.post("/datasets/<uri>/versions/<int:number>/withdraw")
def withdraw_version(uri: str, number: int) -> Response:
    """Take one version of the table out of every place; the one before it becomes current."""
    return _withdraw(uri, "version", f"{uri}/{number}")


@blueprint.post("/datasets/<uri>/resources/<resource_id>/withdraw")
def withdraw_resource(uri: str, resource_id: str) -> Response:
    """Take one file out of every place."""
    return _withdraw(uri, "resource", resource_id)


def _withdraw(uri: str, kind: str, reference: str) -> Response:
    user, asked = sender(), query(WithdrawalQuery)
    passport = datasets.known_passport(model.Session(), uri)
    datasets.visible_package(passport, user)
    require_right(user, model.Package.get(passport.package_id).owner_org)
    thing = thing_of(passport.package_id, kind, reference)
    if asked.check == "only":
        return answered(WithdrawalAnswer(kind=kind, name=thing.name, state=None, places=_places(thing)))
    row = carry_out(model.Session(), thing, _order(user))
    return answered(_answer(row))


def thing_of(package_id: str, kind: str, reference: str) -> Thing:
    """The thing, which must belong to the data set; KzError withdrawal.unknown_thing, or Gone."""
    if kind == "version":
        refuse_if_gone(model.Session(), kind, f"{package_id}/{reference.rpartition('/')[2]}")
    if kind == "resource":
        refuse_if_gone(model.Session(), kind, reference)
    found = kinds.find(model.Session(), kind, reference)
    return found if found.parts["package"] == package_id else kinds.find(model.Session(), kind, "")


def _order(user: str) -> Order:
    body = WithdrawalOrder.model_validate_json(small_body() or b"{}")
    reason = cleaned_reason(body.reason.model_dump())
    actor = datasets.user_id(user)
    return Order(reason, actor, law=body.law, keep_title=body.keep_title, address=request.remote_addr)


def _places(thing: Thing) -> list[PlaceAnswer]:
    held = {place.name for place in holding(model.Session(), thing)}
    language = request_language()
    return [PlaceAnswer(name=p.name, label=in_language(p.label, language), holds=p.name in held) for p in places()]


def _answer(row: Withdrawal) -> WithdrawalAnswer:
    values: dict[str, Any] = told(row) | {"kind": row.kind, "state": row.state}
    return WithdrawalAnswer(id=str(row.id), places=_places(row.thing), **values)
