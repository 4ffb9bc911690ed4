"""Pages of notices: my notices, what I follow, following by e-mail, the links in mails, feeds."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.config.middleware.flask_app import csrf
from ckanext.kzopen.core.mail import came_back, checked
from ckanext.kzopen.core.notices import feeds, reader, subscriptions, targets, tokens
from ckanext.kzopen.core.notices.addresses import page
from ckanext.kzopen.core.notices.view_parts import PER_VISITOR, Page, go_to, private, title_of, whole_number, wish
from ckanext.kzopen.core.people.throttle import Limit, count
from ckanext.kzopen.core.web.caching import OwnCaching
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import Blueprint, Response, make_response, request

blueprint = Blueprint("kzopen_notices", __name__, url_prefix="/notices")
one_click = Blueprint("kzopen_unsubscribe", __name__, url_prefix="/notices")
BLUEPRINTS = (blueprint, one_click)
# A mail program unsubscribes by a POST without cookies (RFC 8058); the signed link says who and what.
csrf.exempt(one_click)

PER_ADDRESS = Limit("notices.ask_address", 5, 86400)
SOON = "public, max-age=300"


def me() -> str:
    """The id of whoever is signed in; KzError web.not_signed_in."""
    if not tk.current_user.is_authenticated:
        raise KzError("web.not_signed_in")
    return str(tk.current_user.id)


@blueprint.get("")
def index() -> Page:
    """My notices and what I follow."""
    if not tk.current_user.is_authenticated:
        return go_to("user.login", came_from="/notices")
    person, language = me(), request_language()
    mine = subscriptions.of_reader(model.Session, person)
    return tk.render(
        "notices/index.html",
        {
            "notices": reader.latest(model.Session, person, language),
            "following": [(row, title_of(row)) for row in mine if row.what != "personal"],
            "personal": next((row.how for row in mine if row.what == "personal"), "at_once"),
            "came_back": came_back(model.Session, tk.current_user.email or ""),
            "feed": page(f"/notices/mine/{feeds.secret(model.Session, person)}.atom", language),
        },
    )


@blueprint.post("/read")
def mark_read() -> Page:
    """I have seen the notices up to this one."""
    reader.mark_seen(model.Session, me(), whole_number("newest"))
    model.Session.commit()
    return go_to("kzopen_notices.index")


@blueprint.post("/following/<int(max=9223372036854775807):number>")
def change(number: int) -> Page:
    """Be told in another way, or no more."""
    subscriptions.change(model.Session, me(), number, wish())
    model.Session.commit()
    return go_to("kzopen_notices.index")


@blueprint.post("/personal")
def change_personal() -> Page:
    """How I am told of what concerns me in person."""
    subscriptions.follow(model.Session, me(), "personal", "", request.form.get("how", ""), request_language())
    model.Session.commit()
    return go_to("kzopen_notices.index")


@blueprint.post("/feed")
def renew_feed() -> Page:
    """A new address for my feed."""
    feeds.renew(model.Session, me())
    model.Session.commit()
    return go_to("kzopen_notices.index")


@blueprint.get("/follow")
def follow_form() -> Page:
    """The form with which one follows something."""
    return _follow_page(_wanted())


@blueprint.post("/follow")
def follow() -> Page:
    """Follow it: at once with an account, else after the address has been confirmed."""
    language = request_language()
    try:
        wanted = _wanted()
    except KzError as error:
        if request.form.get("what") != "words":
            raise
        return _follow_page(targets.Target("words", "", ""), error)
    try:
        return _follow(wanted, language)
    except KzError as error:
        model.Session.rollback()
        return _follow_page(wanted, error)


def _follow(wanted: targets.Target, language: str) -> Page:
    how = request.form.get("how", "daily")
    if tk.current_user.is_authenticated:
        subscriptions.follow(model.Session, me(), wanted.what, wanted.target, how, language)
        model.Session.commit()
        return go_to("kzopen_notices.index")
    address = checked(request.form.get("email", ""))
    count(PER_VISITOR, request.remote_addr or "")
    count(PER_ADDRESS, address.lower())
    subscriptions.ask(model.Session, address, wanted.what, wanted.target, _by_mail(how), language)
    model.Session.commit()
    return tk.render("notices/asked.html", {"address": address})


def _by_mail(how: str) -> str:
    return how if how in subscriptions.BY_MAIL else "daily"


def _wanted() -> targets.Target:
    """What the address or the form names; KzError for what cannot be followed."""
    what, target = request.values.get("what", ""), request.values.get("target", "").strip()
    if what == "words" and request.method == "POST":
        subscriptions.query_of(target)
    if what == "personal":
        raise KzError("notices.nothing_to_follow")
    who = str(tk.current_user.id) if tk.current_user.is_authenticated else ""
    return targets.target_of(model.Session, what, target, who)


def _follow_page(wanted: targets.Target, error: KzError | None = None) -> Page:
    mine = None
    if tk.current_user.is_authenticated and wanted.target:
        mine = subscriptions.find(model.Session, me(), wanted.what, wanted.target)
    told = error.text(request_language()) if error else ""
    values = {"wanted": wanted, "mine": mine, "error": told, "values": request.form}
    values["field"] = "target" if error and error.code == "notices.no_words" else "email"
    answer = make_response(tk.render("notices/follow.html", values))
    answer.status_code = error.status if error else 200
    return answer


@blueprint.route("/confirm/<token>", methods=["GET", "POST"])
def confirm(token: str) -> Page:
    """Ask by GET, because mail filters follow links; confirm by POST."""
    number = tokens.read_confirm(token)
    if request.method == "GET":
        return private(tk.render("notices/confirm.html", {"done": False, "stop": ""}))
    row = subscriptions.confirm(model.Session, number)
    model.Session.commit()
    stop = f"/notices/unsubscribe/{tokens.unsubscribe(row.reader, row.id)}"
    return private(tk.render("notices/confirm.html", {"done": True, "stop": stop}))


@one_click.route("/unsubscribe/<token>", methods=["GET", "POST"])
def unsubscribe(token: str) -> Page:
    """A button by GET; POST, from it or from a mail program, ends the mails at once. Nobody has to sign in."""
    who, subscription = tokens.read_unsubscribe(token)
    everything = subscription is None or bool(request.form.get("all"))
    if request.method == "POST":
        subscriptions.stop_mails(model.Session, who, None if everything else subscription)
        model.Session.commit()
    values = {"done": request.method == "POST", "everything": everything, "account": "@" not in who}
    return private(tk.render("notices/unsubscribe.html", values))


@blueprint.get("/mine/<token>.atom")
def my_feed(token: str) -> Response:
    """The notices of whoever was given this address."""
    language = request_language()
    shown, _person = feeds.personal(model.Session, token, language)
    made = feeds.atom(shown, tk._("Notices"), page(f"/notices/mine/{token}.atom", language), language)
    return OwnCaching(made, content_type="application/atom+xml", headers={"Cache-Control": "private, max-age=300"})


@blueprint.get("/agency/<agency>.atom")
def agency_feed(agency: str) -> Response:
    """The public news of an agency and those under it."""
    title = targets.title_of_agency(model.Session, agency)
    if title is None:
        raise KzError("web.not_found")
    return _public_feed(f"/notices/agency/{agency}.atom", title, agency=agency)


@blueprint.get("/section/<section>.atom")
def section_feed(section: str) -> Response:
    """The public news of a section."""
    if section not in targets.SECTIONS:
        raise KzError("web.not_found")
    return _public_feed(f"/notices/section/{section}.atom", targets.SECTIONS[section], section=section)


def _public_feed(path: str, title: Any, **which: str) -> Response:
    language = request_language()
    shown = reader.public(model.Session, language, **which)
    made = feeds.atom(shown, tk.h.kz_text(title), page(path, language), language)
    headers = {"Cache-Control": SOON, "Vary": "Accept-Language"}
    return OwnCaching(made, content_type="application/atom+xml", headers=headers)
