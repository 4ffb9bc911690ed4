"""`/notices/by-mail`: who has no account asks for a link by mail, and behind it changes and ends what the address follows."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.mail import came_back, checked, revive
from ckanext.kzopen.core.notices import by_mail, subscriptions, tokens
from ckanext.kzopen.core.notices.view_parts import PER_VISITOR, Page, go_to, private, title_of, whole_number, wish
from ckanext.kzopen.core.people.throttle import Limit, count
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import Blueprint, make_response, request

blueprint = Blueprint("kzopen_notices_by_mail", __name__, url_prefix=by_mail.ASK)
PER_ADDRESS = Limit("notices.link_address", 5, 86400)


@blueprint.route("", methods=["GET", "POST"])
def ask() -> Page:
    """The form, and after it one answer for every address: whether it follows anything is told to its mailbox alone."""
    if request.method == "GET":
        return _form()
    try:
        address = checked(request.form.get("email", ""))
        count(PER_VISITOR, request.remote_addr or "")
        count(PER_ADDRESS, address.lower())
    except KzError as error:
        return _form(error)
    by_mail.send_link(model.Session, address, request_language())
    model.Session.commit()
    return tk.render("notices/by_mail_asked.html", {"address": address})


@blueprint.get("/<token>")
def mine(token: str) -> Page:
    """Everything that the address follows. Looking changes nothing, because mail filters follow links."""
    reader = tokens.read_by_mail(token)
    following = [(row, title_of(row)) for row in by_mail.followed(model.Session, reader)]
    values = {"address": reader, "following": following, "token": token, "came_back": came_back(model.Session, reader)}
    return private(tk.render("notices/by_mail.html", values))


@blueprint.post("/<token>")
def change(token: str) -> Page:
    """Change or end one of them, or end all; or only say that mails arrive again, which every use of the link shows."""
    reader = tokens.read_by_mail(token)
    revive(model.Session, reader)
    if request.form.get("all"):
        subscriptions.stop_mails(model.Session, reader, None)
    elif not request.form.get("arrive"):
        by_mail.change(model.Session, reader, whole_number("number"), wish())
    model.Session.commit()
    return go_to("kzopen_notices_by_mail.mine", token=token)


def _form(error: KzError | None = None) -> Page:
    told = error.text(request_language()) if error else ""
    answer = make_response(tk.render("notices/by_mail_ask.html", {"error": told, "values": request.form}))
    answer.status_code = error.status if error else 200
    return answer
