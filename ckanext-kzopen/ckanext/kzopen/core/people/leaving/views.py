"""Pages on which people take their data with them and delete their account."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.accounts.forms import page
from ckanext.kzopen.core.people.accounts.own_views import asked_again, me, signed_in
from ckanext.kzopen.core.people.accounts.views import Page, blueprint, form_of, go_to
from ckanext.kzopen.core.people.leaving import deletion, export
from ckanext.kzopen.core.people.sign_in import session as sessions
from ckanext.kzopen.core.people.sign_in.views import address
from ckanext.kzopen.core.people.throttle import Limit, count
from ckanext.kzopen.core.record.events import write_event
from ckanext.kzopen.core.web.caching import uncached
from ckanext.kzopen.core.web.errors import KzError
from flask import Response, request, session

EXPORTS = Limit("export", 10, 3600)


@blueprint.route("/data", methods=["GET", "POST"])
@signed_in
def data() -> Page:
    """The file with all that is kept of whoever is signed in, given for their password."""
    user, form = me(), form_of()
    if request.method == "POST" and asked_again(form, user):
        count(EXPORTS, user.id)
        write_event(model.Session, kind="account", object_id=user.id, verb="export", actor=user.id, address=address())
        content = export.archive(model.Session, user.id)
        model.Session.commit()
        headers = {"Content-Disposition": 'attachment; filename="my-data.zip"'}
        return uncached(Response(content, content_type="application/zip", headers=headers))
    return page("data", form)


@blueprint.route("/delete", methods=["GET", "POST"])
@signed_in
def delete() -> Page:
    """The account goes for its password; there is no way back."""
    user, form = me(), form_of()
    if request.method == "POST" and asked_again(form, user):
        try:
            deletion.delete(model.Session, user, user.id, address())
            model.Session.commit()
        except KzError as error:
            model.Session.rollback()
            form.wrong("", error)
            return page("delete", form)
        sessions.renew()
        session.modified = True
        tk.h.flash_success(tk._("Your account is deleted."))
        return go_to("home.index")
    return page("delete", form)
