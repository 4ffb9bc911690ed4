"""Pages on which people make an account and recover it."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.config.middleware.flask_app import csrf
from ckanext.kzopen.core.people.accounts import changing, links, signing_up
from ckanext.kzopen.core.people.accounts.forms import Form, page
from ckanext.kzopen.core.people.sign_in import session as sessions
from ckanext.kzopen.core.people.sign_in.views import address
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import Blueprint, Response, current_app, request

Page = str | Response | tuple[str, int]
blueprint = Blueprint("kzopen_account", __name__, url_prefix="/account")


@blueprint.before_request
def _forms_carry_their_token() -> None:
    """Also where CKAN lifts the check: for anonymous people, and for those who call with a token."""
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()


def go_to(endpoint: str, **values: Any) -> Response:
    """On to another page of the portal, by GET."""
    answer: Response = tk.redirect_to(endpoint, **values)
    return answer


def form_of() -> Form:
    return Form(request.form if request.method == "POST" else {})


@blueprint.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> Page:
    """Name, e-mail and language; the link that goes out is the same answer to everybody."""
    if tk.current_user.is_authenticated:
        return go_to("kzopen_account.overview")
    form = form_of()
    if request.method == "POST":
        fullname, email, language = form.fullname(), form.email(), form.language()
        if form.good and _done(form, lambda: signing_up.ask(model.Session, email, fullname, language, address())):
            return go_to("kzopen_account.sent")
    return page("sign_up", form, language=form.get("language") or request_language())


@blueprint.get("/sent")
def sent() -> Page:
    """Look into your mail."""
    return page("sent", Form())


@blueprint.route("/confirm", methods=["GET", "POST"])
def confirm() -> Page:
    """The password of a new account; programs that look into links before their reader does use nothing up."""
    token, form = request.values.get("token", ""), form_of()
    link = links.look(model.Session, "sign_up", token)
    if request.method == "POST":
        password = form.new_password(link.email, link.fullname)
        if form.good:
            user = signing_up.create(model.Session, token, password, address())
            return _signed_in(user)
    return page("choose_password", form, token=token, email=link.email, new=True)


@blueprint.route("/recover", methods=["GET", "POST"])
def recover() -> Page:
    """A forgotten password: the answer is the same whether or not there is such an account."""
    form = form_of()
    if request.method == "POST":
        email = form.email()
        if form.good and _done(form, lambda: changing.ask_new_password(model.Session, email, request_language(), address())):
            return go_to("kzopen_account.sent")
    return page("recover", form)


@blueprint.route("/new-password", methods=["GET", "POST"])
def new_password() -> Page:
    """The new password of whoever has forgotten the old one."""
    token, form = request.values.get("token", ""), form_of()
    link = links.look(model.Session, "recover", token)
    if request.method == "POST":
        password = form.new_password(link.email, changing.of_link(link).fullname)
        if form.good:
            changing.recover(model.Session, token, password, address())
            model.Session.commit()
            tk.h.flash_success(tk._("Your new password is set. Sign in with it."))
            return go_to("user.login")
    return page("choose_password", form, token=token, email=link.email, new=False)


def _signed_in(user: model.User) -> Response:
    sessions.begin(user, by="link")
    tk.h.flash_success(tk._("Welcome! Your e-mail address is confirmed."))
    return go_to("kzopen_account.overview")


def _done(form: Form, what: Any) -> bool:
    """Do it and commit; what is refused is told on the form."""
    try:
        what()
        model.Session.commit()
    except KzError as error:
        model.Session.rollback()
        form.wrong("", error)
    return form.good
