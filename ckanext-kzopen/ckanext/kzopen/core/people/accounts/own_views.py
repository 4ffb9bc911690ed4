"""Pages of those who are signed in about their own account."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.people import levels
from ckanext.kzopen.core.people.accounts import changing, letters, links, tokens
from ckanext.kzopen.core.people.accounts.forms import Form, page
from ckanext.kzopen.core.people.accounts.views import Page, blueprint, form_of, go_to
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.people.sign_in import linking, providers
from ckanext.kzopen.core.people.sign_in import session as sessions
from ckanext.kzopen.core.people.sign_in.views import address
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import g, request

View = Callable[[], Page]


def signed_in(view: View) -> View:
    """Only for people with a session: a token of the API opens none of these pages."""

    @wraps(view)
    def checked() -> Page:
        if tk.current_user.is_anonymous:
            return go_to("user.login", came_from=request.full_path.rstrip("?"))
        if g.get("login_via_auth_header"):
            raise KzError("web.not_allowed")
        return view()

    return checked


def me() -> model.User:
    """The account of whoever is signed in."""
    found = model.User.get(tk.current_user.id)
    assert found is not None  # noqa: S101 - checked by `signed_in`
    return found


@blueprint.get("", strict_slashes=False)
@signed_in
def overview() -> Page:
    """The account at a glance."""
    user = me()
    return page(
        "account",
        Form(),
        user=user,
        came_back=mail.came_back(model.Session, user.email or ""),
        language=letters.language_of(model.Session, user.id),
        held=levels.held(model.Session, user.id),
        levels=levels.rules().levels,
        providers=providers.elsewhere(),
        connected={one.provider for one in linking.connections(model.Session, user.id)},
    )


@blueprint.route("/profile", methods=["GET", "POST"])
@signed_in
def profile() -> Page:
    """The name and the language of mails."""
    user, form = me(), form_of()
    if request.method == "POST":
        fullname, language = form.fullname(), form.language()
        if form.good:
            changing.set_profile(model.Session, user, fullname, language, address())
            model.Session.commit()
            tk.h.flash_success(tk._("Saved."))
            return go_to("kzopen_account.overview")
    else:
        form.values = {"fullname": user.fullname or "", "language": letters.language_of(model.Session, user.id)}
    return page("profile", form, language=form.get("language"))


@blueprint.route("/password", methods=["GET", "POST"])
@signed_in
def password() -> Page:
    """A new password; the other sessions end, and the tokens of the API unless they are to stay."""
    user, form = me(), form_of()
    revoke = request.method == "GET" or bool(form.get("revoke"))
    if request.method == "POST":
        new = form.new_password(user.email, user.fullname, user.name)
        if form.good and asked_again(form, user):
            kept = sessions.secret()
            changing.set_password(model.Session, user, new, user.id, address(), revoke=revoke, keep=kept)
            model.Session.commit()
            tk.h.flash_success(tk._("Your password has changed. Your other sessions have ended."))
            return go_to("kzopen_account.overview")
    return page("password", form, tokens=len(tokens.own(model.Session, user.id)), revoke=revoke)


@blueprint.route("/email", methods=["GET", "POST"])
@signed_in
def email() -> Page:
    """Ask for another e-mail address: the link goes there."""
    user, form = me(), form_of()
    if request.method == "POST":
        new = form.email()
        if form.good and asked_again(form, user):
            try:
                changing.ask_email(model.Session, user, new, address())
                model.Session.commit()
                return go_to("kzopen_account.sent")
            except KzError as error:
                model.Session.rollback()
                form.wrong("email", error)
    return page("email", form, email=user.email)


@blueprint.route("/new-email", methods=["GET", "POST"])
@signed_in
def new_email() -> Page:
    """Confirm the new address."""
    return _confirmed("change_email", "new_email", changing.confirm_email, tk._("Your e-mail address has changed."))


@blueprint.post("/same-email/ask")
@signed_in
def ask_same_email() -> Page:
    """A link to the address that the account has; where no mail came back from there, nothing is sent."""
    try:
        asked = changing.ask_same_email(model.Session, me(), address())
        model.Session.commit()
        return go_to("kzopen_account.sent" if asked else "kzopen_account.overview")
    except KzError as error:
        model.Session.rollback()
        tk.h.flash_error(error.text(request_language()))
        return go_to("kzopen_account.overview")


@blueprint.route("/same-email", methods=["GET", "POST"])
@signed_in
def same_email() -> Page:
    """Confirm that mails arrive again."""
    return _confirmed("same_email", "same_email", changing.confirm_same_email, tk._("Mails are sent to your address again."))


def _confirmed(purpose: str, template: str, confirm: Callable[..., object], done: str) -> Page:
    """The page of a mailed link, whose button confirms: programs that look into links use nothing up."""
    token = request.values.get("token", "")
    link = links.look(model.Session, purpose, token)
    if request.method == "POST":
        confirm(model.Session, token, tk.current_user.id, address())
        model.Session.commit()
        tk.h.flash_success(done)
        return go_to("kzopen_account.overview")
    return page(template, Form(), token=token, email=link.email)


@blueprint.get("/sessions")
@signed_in
def my_sessions() -> Page:
    """Where I am signed in."""
    current = store.number_of(sessions.secret())
    return page("sessions", Form(), sessions=store.sessions_of(tk.current_user.id), current=current)


@blueprint.post("/sessions/end")
@signed_in
def end_sessions() -> Page:
    """End the session of that number, or all but this one."""
    wanted = request.form.get("number", "")
    user_id = tk.current_user.id
    ended = store.end(user_id, [wanted]) if wanted else store.end_all(user_id, but=sessions.secret())
    tk.h.flash_success(tk.ungettext("%(num)d session has ended.", "%(num)d sessions have ended.", ended) % {"num": ended})
    return go_to("kzopen_account.my_sessions")


def asked_again(form: Form, user: model.User) -> bool:
    """Whether the password that was typed once more is the account's own."""
    try:
        changing.check_password(user, form.get("password"))
    except KzError as error:
        form.wrong("password", error)
    return form.good
