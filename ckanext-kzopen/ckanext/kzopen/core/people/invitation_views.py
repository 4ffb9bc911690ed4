"""`/account/invitation`: what somebody sees who opens the link of an invitation."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.config.middleware.flask_app import csrf
from ckanext.kzopen.core.people import invitations, roles
from ckanext.kzopen.core.people.accounts.forms import Form
from flask import Blueprint, Response, current_app, request

Page = str | Response | tuple[str, int]
blueprint = Blueprint("kzopen_invitation", __name__, url_prefix="/account")


@blueprint.before_request
def _forms_carry_their_token() -> None:
    """Also where CKAN lifts the check: for anonymous people, and for those who call with a token."""
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()


@blueprint.route("/invitation", methods=["GET", "POST"])
def accept() -> Page:
    """Role and agency; who has no account chooses a password. Looking uses nothing up."""
    token = request.values.get("token", "")
    row = invitations.look(model.Session, token)
    known = invitations.account_of(row) is not None
    form = Form(request.form if request.method == "POST" else {})
    if request.method == "POST":
        password = None if known else form.new_password(row.email, row.name)
        if form.good:
            invitations.accept(model.Session, token, password, request.remote_addr)
            model.Session.commit()
            tk.h.flash_success(tk._("The invitation is accepted. Sign in with your e-mail address."))
            answer: Any = tk.redirect_to("user.login")
            return answer
    role = roles.known().roles[row.role].label
    values = {"values": form.values, "errors": form.errors, "token": token, "invitation": row, "known": known, "role": role}
    return tk.render("people_staff/invitation.html", values), form.status
