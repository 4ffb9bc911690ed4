"""The staff's list of withdrawals, and each one with the places that it has been taken out of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal import kinds
from ckanext.kzopen.core.withdrawal.model import Withdrawal
from ckanext.kzopen.core.withdrawal.places import places
from flask import Blueprint, request
from sqlalchemy import select

SHOWN = 200
SEE = "withdrawal.see"
blueprint = Blueprint("kzopen_withdrawal", __name__, url_prefix="/staff/withdrawals")


@blueprint.before_request
def _only_signed_in() -> Any:
    if tk.current_user.is_anonymous:
        return tk.h.redirect_to("user.login", came_from=request.full_path.rstrip("?"))
    return None


@blueprint.get("")
def index() -> str:
    """The withdrawals of my agencies, the newest first."""
    user = str(tk.current_user.name)
    rights.require(user, SEE)
    agencies = rights.agencies_with(user, SEE)
    wanted = select(Withdrawal).order_by(Withdrawal.at.desc()).limit(SHOWN)
    if agencies is not None:
        wanted = wanted.where(Withdrawal.agency.in_(agencies))
    return _shown("index", rows=model.Session().scalars(wanted).all())


@blueprint.get("/<uuid:number>")
def show(number: UUID) -> str:
    """One withdrawal."""
    row = model.Session().get(Withdrawal, number)
    if row is None:
        raise KzError("web.not_found")
    rights.require(str(tk.current_user.name), SEE, row.agency or "")
    return _shown("show", row=row, places=places())


def _shown(name: str, **values: Any) -> str:
    labels = {kind.name: kind.label for kind in kinds.all_kinds()}
    return tk.render(f"withdrawal/{name}.html", {"kinds": labels, "states": machine_of("withdrawal").states, **values})
