"""The second step of signing in, and the page on which a second factor is set up."""

from __future__ import annotations

import time

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.accounts.forms import Form, page
from ckanext.kzopen.core.people.accounts.own_views import asked_again, me, signed_in
from ckanext.kzopen.core.people.accounts.views import Page, blueprint, form_of, go_to
from ckanext.kzopen.core.people.second_factor import gate, keeping, totp
from ckanext.kzopen.core.people.second_factor.requiring import required
from ckanext.kzopen.core.people.secrets import decrypted, encrypted
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.people.sign_in import failing
from ckanext.kzopen.core.people.sign_in import session as sessions
from ckanext.kzopen.core.people.sign_in.views import address
from ckanext.kzopen.core.people.sign_in.waiting import WAITING
from ckanext.kzopen.core.web.errors import KzError
from flask import request, session
from markupsafe import Markup

NEW_SECRET = "kzopen new secret"  # noqa: S105 - a name


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
def sign_in_code() -> Page:
    """The second step: only after the first one, and not for long."""
    waiting, form = session.get(WAITING), form_of()
    if not waiting or waiting["until"] < time.time():
        session.pop(WAITING, None)
        return go_to("user.login")
    if request.method == "POST":
        user = model.User.get(waiting["user"])
        try:
            keeping.check(model.Session, waiting["user"], form.get("code"), address())
            sessions.begin(user, kept=waiting["kept"], by=f"{waiting['by']}, code")
            gate.proved()
            return go_to(waiting["came_from"] or tk.config["ckan.auth.route_after_login"])
        except KzError as error:
            model.Session.rollback()
            if error.code == "people.wrong_code":
                failing.note(waiting["user"], waiting["user"], f"{waiting['by']}, code", address())
            form.wrong("code", error)
    return page("code", form)


@blueprint.route("/second-factor", methods=["GET", "POST"])
@signed_in
def second_factor() -> Page:
    """Set it up, get new recovery codes, or take it away."""
    user, form = me(), form_of()
    if not keeping.enrolled(user.id):
        return _enrol(user, form)
    if request.method == "POST" and asked_again(form, user):
        return _change(user, form)
    return _page(user, form)


def _enrol(user: model.User, form: Form) -> Page:
    if NEW_SECRET not in session:
        session[NEW_SECRET] = encrypted("second factor", totp.new_secret())
    secret = decrypted("second factor", session[NEW_SECRET])
    if request.method == "POST" and asked_again(form, user):
        try:
            codes = keeping.enrol(model.Session, user.id, secret, form.get("code"), address())
            model.Session.commit()
            session.pop(NEW_SECRET)
            gate.proved()
            store.end_all(user.id, but=sessions.secret())
            return page("recovery_codes", form, codes=codes)
        except KzError as error:
            model.Session.rollback()
            form.wrong("code", error)
    told = totp.address(secret, user.email or user.name, tk.config["ckan.site_title"])
    spaced = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
    return page(
        "enrol",
        form,
        secret=spaced,
        picture=Markup(totp.picture(told)),  # noqa: S704 - SVG of ours
        link=told,
        required=required(user.id),
    )


def _change(user: model.User, form: Form) -> Page:
    try:
        keeping.check(model.Session, user.id, form.get("code"), address())
        if form.get("what") == "codes":
            codes = keeping.new_codes(model.Session, user.id)
            model.Session.commit()
            return page("recovery_codes", form, codes=codes)
        if required(user.id):
            raise KzError("people.second_factor_is_required")
        keeping.remove(model.Session, user.id, user.id, address())
        model.Session.commit()
        tk.h.flash_success(tk._("The second factor is switched off."))
        return go_to("kzopen_account.overview")
    except KzError as error:
        model.Session.rollback()
        form.wrong("code", error)
    return _page(user, form)


def _page(user: model.User, form: Form) -> Page:
    left = keeping.codes_left(model.Session, user.id)
    return page("second_factor", form, left=left, required=required(user.id))
