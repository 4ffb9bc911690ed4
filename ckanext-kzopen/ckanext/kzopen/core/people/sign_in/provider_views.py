"""Pages of signing in by another provider, and of joining what it says to an account."""

from __future__ import annotations

import time

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.accounts import letters, links, signing_up
from ckanext.kzopen.core.people.accounts.forms import Form, page
from ckanext.kzopen.core.people.accounts.own_views import asked_again, me, signed_in
from ckanext.kzopen.core.people.accounts.views import Page, blueprint, form_of, go_to
from ckanext.kzopen.core.people.sign_in import linking, providers
from ckanext.kzopen.core.people.sign_in import session as sessions
from ckanext.kzopen.core.people.sign_in.providers import Identity, Started
from ckanext.kzopen.core.people.sign_in.views import address, wanted
from ckanext.kzopen.core.people.sign_in.waiting import PATIENCE, go_in
from ckanext.kzopen.core.people.throttle import Limit, count
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import request, session

STARTED = "kzopen_started"
IDENTITY = "kzopen_identity"
STARTS = Limit("provider", 60, 15 * 60)


@blueprint.get("/with/<name>")
def with_provider(name: str) -> Page:
    """Off to the provider; what must come back the same is kept on the server."""
    count(STARTS, address())
    started = providers.known(name).start(_back(name))
    until = time.time() + PATIENCE
    kept = {"name": name, "kept": dict(started.kept), "came_from": wanted(), "until": until}
    session[STARTED] = kept
    return go_to(started.address or "user.login")


def _back(name: str) -> str:
    return str(tk.h.url_for("kzopen_account.back", name=name, _external=True, locale="default"))


@blueprint.get("/with/<name>/back")
def back(name: str) -> Page:
    """Back from the provider: signed in, or asked to which account it belongs."""
    began = session.pop(STARTED, None)
    if not began or began["name"] != name or began["until"] < time.time():
        raise KzError("people.begin_again")
    identity = providers.known(name).finish(Started(kept=began["kept"]), request.args, address())
    user = linking.owner(model.Session, identity)
    if tk.current_user.is_authenticated:
        session[IDENTITY] = identity.plain
        return go_to("kzopen_account.connect")
    if user is None:
        session[IDENTITY] = identity.plain
        return go_to("kzopen_account.join")
    objection = linking.take_level(model.Session, user, identity, address())
    model.Session.commit()  # a second step may follow, and it knows nothing of the level
    return _in(user, began["came_from"], identity, objection)


def _in(user: model.User, came_from: str, identity: Identity, objection: KzError | None) -> Page:
    """Signed in or on to the second step, told why the level was not taken: a new session holds nothing told before."""
    answer = go_in(user, came_from, by=identity.provider)
    _tell(identity, objection)
    return answer


def _tell(identity: Identity, objection: KzError | None) -> None:
    if objection is None:
        return
    provider, why = (
        in_language(providers.known(identity.provider).label, request_language()),
        objection.text(request_language()),
    )
    tk.h.flash_notice(
        tk._("%(provider)s has told an IIN that does not count here: %(why)s") % {"provider": provider, "why": why}
    )


@blueprint.route("/join", methods=["GET", "POST"])
def join() -> Page:
    """Somebody whom the provider knows and we do not: a link goes to the address that they give, whoever owns it."""
    identity, form = _identity(), form_of()
    if request.method == "POST":
        fullname, email, language = form.fullname(), form.email(), form.language()
        if form.good:
            if signing_up.may_mail(email, address()):
                letters.send_link(model.Session, "join", email, language, "joined", fullname=fullname)
            model.Session.commit()
            return go_to("kzopen_account.sent")
    else:
        form.values = {"fullname": identity.names, "email": identity.email}
    label = providers.known(identity.provider).label
    return page("join", form, provider=label, language=form.get("language") or request_language())


@blueprint.route("/joined", methods=["GET", "POST"])
def joined() -> Page:
    """The link from the mail, in the browser that came from the provider: else a stranger's identity could be joined."""
    identity, token = _identity(), request.values.get("token", "")
    link = links.look(model.Session, "join", token)
    if request.method == "POST":
        user = linking.of_mailed_link(model.Session, links.use(model.Session, "join", token), address())
        objection = linking.connect(model.Session, user, identity, address())
        model.Session.commit()
        session.pop(IDENTITY)
        return _in(user, "", identity, objection)
    return page(
        "consent", Form(), provider=providers.known(identity.provider).label, email=link.email, token=token, asks=False
    )


@blueprint.route("/connect", methods=["GET", "POST"])
@signed_in
def connect() -> Page:
    """Consent to the provider opening the account of whoever is signed in; a session left open is not enough for it."""
    identity, user, form = _identity(), me(), form_of()
    if request.method == "POST" and _is_owner(form, user):
        session.pop(IDENTITY)
        objection = linking.connect(model.Session, user, identity, address())
        label = providers.known(identity.provider).label
        letters.tell(model.Session, user, "provider_connected", provider=label)
        model.Session.commit()
        _tell(identity, objection)
        return go_to("kzopen_account.overview")
    label = providers.known(identity.provider).label
    return page("consent", form, provider=label, email=user.email, token="", asks=not sessions.is_fresh())


@blueprint.route("/disconnect", methods=["GET", "POST"])
@signed_in
def disconnect() -> Page:
    """The provider, which is an argument, opens the account no more; a session left open is not enough for it."""
    name, user, form = request.args.get("provider", ""), me(), form_of()
    if name not in {one.provider for one in linking.connections(model.Session, user.id)}:
        raise KzError("web.not_found")
    if request.method == "POST" and _is_owner(form, user):
        linking.disconnect(model.Session, user.id, name, address())
        model.Session.commit()
        return go_to("kzopen_account.overview")
    offered = {one.name: one.label for one in providers.elsewhere()}
    return page("disconnect", form, provider=offered.get(name, name), asks=not sessions.is_fresh())


def _is_owner(form: Form, user: model.User) -> bool:
    """Whether it is surely the account's owner: who has just signed in, or who types the password once more."""
    return sessions.is_fresh() or asked_again(form, user)


def _identity() -> Identity:
    kept = session.get(IDENTITY)
    if not kept:
        raise KzError("people.begin_again")
    return Identity(**kept)
