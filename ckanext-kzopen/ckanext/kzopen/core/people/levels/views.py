"""The page on which staff with the right confirm levels of identity and take them back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people import levels, reads, rights
from ckanext.kzopen.core.people.accounts import letters, tokens
from ckanext.kzopen.core.people.accounts.forms import Form, page
from ckanext.kzopen.core.people.accounts.views import Page, blueprint, go_to
from ckanext.kzopen.core.people.levels.confirming import RIGHT
from ckanext.kzopen.core.people.levels.rules import BY_MAIL, Level
from ckanext.kzopen.core.people.second_factor import keeping
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.people.sign_in.password import account
from ckanext.kzopen.core.people.sign_in.views import address
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import Response, request


def _only_with_the_right() -> Response | None:
    if tk.current_user.is_anonymous:
        return go_to("user.login", came_from=request.full_path.rstrip("?"))
    rights.require(tk.current_user.name, RIGHT)
    return None


@blueprint.route("/levels", methods=["GET", "POST"])
def people_levels() -> Page:
    """Find an account by e-mail or name; confirm a level of it. Looking is in the event log: it is personal data."""
    refused = _only_with_the_right()
    if refused:
        return refused
    form = Form(request.form if request.method == "POST" else request.args)
    person = _found(form) if form.get("person") else None
    if person and request.method == "POST":
        _confirm(form, person)
        if form.good:
            return go_to("kzopen_account.people_levels", person=form.get("person"))
    return page(
        "levels",
        form,
        person=person,
        held=_held(person),
        levels=levels.rules().levels,
        by_hand=_by_hand(),
        has_factor=bool(person and keeping.enrolled(person.id)),
    )


@blueprint.post("/levels/end")
def end_level() -> Page:
    """Take a level back."""
    refused = _only_with_the_right()
    if refused:
        return refused
    form = Form(request.form)
    number = form.get("level_id")
    try:
        levels.end(model.Session, int(number) if number.isdecimal() else 0, tk.current_user.id, form.get("reason"), address())
        model.Session.commit()
    except KzError as error:
        model.Session.rollback()
        if error.code != "people.reason_wanted":
            raise
        tk.h.flash_error(error.text(request_language()))
    return go_to("kzopen_account.people_levels", person=form.get("person"))


@blueprint.post("/levels/second-factor")
def reset_second_factor() -> Page:
    """For one who has lost the device and the recovery codes, and has shown who they are: it can be set up anew."""
    refused = _only_with_the_right()
    if refused:
        return refused
    person = account(request.form.get("person", ""))
    if person is None:
        raise KzError("people.no_such_account")
    keeping.remove(model.Session, person.id, tk.current_user.id, address())
    revoked = tokens.revoke(model.Session, person.id, tk.current_user.id, address())
    letters.tell(model.Session, person, "second_factor_removed", tokens=revoked)
    model.Session.commit()
    store.end_all(person.id)
    tk.h.flash_success(tk._("The second factor is switched off."))
    return go_to("kzopen_account.people_levels", person=person.name)


def _found(form: Form) -> model.User | None:
    found = account(form.get("person"))
    if found is None:
        form.wrong("person", KzError("people.no_such_account"))
    else:
        reads.note(("email", "levels", "name"), [found.id])
    return found


def _held(person: model.User | None) -> list[levels.Held]:
    return levels.held(model.Session, person.id) if person else []


def _by_hand() -> list[Level]:
    return [level for level in Level if level not in BY_MAIL]


def _confirm(form: Form, person: model.User) -> None:
    try:
        chosen = Level(form.get("level"))
        levels.confirm(
            model.Session,
            person.id,
            chosen,
            tk.current_user.id,
            number=form.get("number"),
            until=last_moment(form.get("until")),
            address=address(),
        )
        model.Session.commit()
    except ValueError:
        form.wrong("level", KzError("web.bad_request"))
    except KzError as error:
        model.Session.rollback()
        form.wrong(_field_of(error), error)


def _field_of(error: KzError) -> str:
    fields = {"people.wrong_iin": "number", "people.wrong_bin": "number", "people.iin_taken": "number"}
    return fields.get(error.code, "until" if error.code == "people.until_is_past" else "level")


def last_moment(day: str) -> datetime | None:
    """The end of a day in Astana; None for "". ValueError for what is no day."""
    if not day:
        return None
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), ASTANA).astimezone(UTC)
