"""The staff's pages of the publish path, under `/staff`: data sets, passports, uploads, reports, publication."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID, uuid4

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.config.middleware.flask_app import csrf
from ckanext.kzopen.core.people.privacy import is_staff
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.publishing import (
    datasets,
    decide,
    forms,
    input_errors,
    proposal,
    receive,
    reports,
    rights,
    staff,
)
from ckanext.kzopen.publishing.answers import dataset_answer
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.passport import Passport as Described
from ckanext.kzopen.publishing.passport import Uri
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.publishing.waiting import is_under_way, wait_for
from ckanext.kzopen.rows import model as versions
from flask import Blueprint, Response, current_app, request
from pydantic import TypeAdapter, ValidationError

blueprint = Blueprint("kzopen_staff", __name__, url_prefix="/staff")

URI = TypeAdapter(Uri)
Page = str | Response


@blueprint.before_request
def _only_staff() -> Any:
    """Let in people who work in some agency; a form must carry its token even where CKAN has lifted the check for a view.

    CKAN exempts a view for good once anyone has called it with an API token.
    """
    if tk.current_user.is_anonymous:
        return tk.h.redirect_to("user.login", came_from=request.full_path.rstrip("?"))
    if not is_staff(_me()):
        raise KzError("web.not_allowed")
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()
    return None


@blueprint.get("")
@blueprint.get("/")
def index() -> Page:
    """My organisations' data sets and their latest deliveries."""
    organizations = rights.organizations_of(_me())
    rows = staff.datasets_of(model.Session(), [row["id"] for row in organizations])
    deliveries = staff.deliveries_of(model.Session(), rows)
    return _page("index", organizations=organizations, datasets=rows, deliveries=deliveries)


@blueprint.route("/datasets/new", methods=["GET", "POST"])
def new_dataset() -> Page:
    """The form of a new passport."""
    values = dict(request.form) if request.method == "POST" else {"owner": request.args.get("owner", "")}
    return _passport_page(None, values)


@blueprint.route("/datasets/<uri>/edit", methods=["GET", "POST"])
def edit_dataset(uri: str) -> Page:
    """The form of a passport that exists."""
    passport = _mine(uri)
    if request.method == "POST":
        return _passport_page(uri, dict(request.form))
    package = datasets.visible_package(uri, _me())
    answer = dataset_answer(configured(), package, passport, None)
    return _passport_page(uri, forms.values_of(answer.model_dump(by_alias=True)))


def _passport_page(uri: str | None, values: forms.Values) -> Page:
    """Show the form; save it when it was sent to be saved, or do what another of its buttons asks."""
    errors: dict[str, KzError] = {}
    spare = forms.SPARE_COLUMNS
    if request.method == "POST":
        if "take" in values:
            values, errors = _columns_from_file(values)
        elif "more" in values:
            spare = 10
        else:
            errors, saved = _saved(uri, values)
            if saved:
                tk.h.flash_success(tk._("The passport has been saved."))
                return tk.h.redirect_to("kzopen_staff.dataset", uri=saved)
    count = max(forms.columns_in(values) + (spare if uri is None or "more" in values else 0), 3)
    return _page(
        "passport",
        uri=uri,
        values=values,
        errors=_in_words(errors),
        columns=count,
        organizations=rights.organizations_of(_me()),
        categories=staff.choices("category"),
        periodicities=staff.choices("periodicity"),
        types=staff.type_labels(),
    )


def _saved(uri: str | None, values: forms.Values) -> tuple[dict[str, KzError], str | None]:
    """What is wrong with the form, or the name of the data set that was saved."""
    try:
        name = uri or URI.validate_python(values.get("uri", ""))
    except ValidationError:
        return {"uri": KzError("publishing.input_uri")}, None
    told = forms.described(values)
    if uri is not None:
        told["schema"] = forms.keep_unseen(told["schema"], _mine(uri).schema)
    try:
        datasets.save(model.Session(), _me(), name, Described.model_validate(told), address=request.remote_addr)
    except ValidationError as error:
        return input_errors.by_place(error), None
    except KzError as error:
        return {"uri" if error.code == "publishing.uri_is_taken" else "": error}, None
    return {}, name


def _columns_from_file(values: forms.Values) -> tuple[forms.Values, dict[str, KzError]]:
    from ckanext.kzopen.validation.cells import Unreadable

    part = request.files.get("sample")
    if part is None or not part.filename:
        return values, {"sample": KzError("publishing.no_rows")}
    with NamedTemporaryFile(prefix="kzopen-sample-") as file:
        part.save(file)
        file.flush()
        try:
            columns = proposal.proposed(Path(file.name))
        except Unreadable:
            return values, {"sample": KzError("publishing.not_a_table")}
    rest = {name: text for name, text in values.items() if not name.startswith("columns.")}
    return rest | forms.columns_as_values(columns, []), {}


@blueprint.get("/datasets/<uri>")
def dataset(uri: str) -> Page:
    """One data set: its versions with what each changed, and its deliveries."""
    passport = _mine(uri)
    return _page(
        "dataset",
        uri=uri,
        package=datasets.visible_package(uri, _me()),
        passport=passport,
        versions=versions.all_of(model.Session(), uri)[: staff.SHOWN],
        deliveries=staff.deliveries_to(model.Session(), passport.package_id),
    )


@blueprint.route("/datasets/<uri>/deliveries/new", methods=["GET", "POST"])
def new_delivery(uri: str) -> Page:
    """Upload a file: it is checked, and published by the next page when a person says so."""
    passport = _mine(uri)
    error = None
    if request.method == "POST":
        part = request.files.get("file")
        sending = receive.Sending(
            mode=request.form.get("mode", "replace"),
            sender=datasets.user_id(_me()),
            source="staff",
            check_only=True,
            media_type=part.mimetype if part else None,
            file_name=part.filename[:255] if part and part.filename else None,
            key=request.form.get("key") or None,
            address=request.remote_addr,
        )
        try:
            if part is None or not part.filename:
                raise KzError("publishing.no_rows")
            site = configured()
            outcome = receive.deliver(model.Session(), site.files_url, passport, sending, part.stream, site.largest)
            wait_for(model.Session(), outcome.delivery, tk.config["kzopen.answer_wait"])
            return tk.h.redirect_to("kzopen_staff.delivery", number=outcome.delivery.id)
        except KzError as refused:
            error = refused
    modes = [mode for mode in receive.MODES if mode not in receive.MODES_BY_KEY or passport.schema.get("primaryKey")]
    return _page(
        "deliver",
        uri=uri,
        package=datasets.visible_package(uri, _me()),
        passport=passport,
        modes=modes,
        mode=request.form.get("mode", "replace"),
        key=uuid4().hex,
        error=error.text(request_language()) if error else "",
    )


@blueprint.get("/deliveries/<uuid:number>")
def delivery(number: UUID) -> Page:
    """Where a delivery stands, what is wrong with it, what it changes; the button that publishes it."""
    row = _my_delivery(number)
    machine = machine_of("delivery")
    offset = max(0, request.args.get("offset", 0, int))
    return _page(
        "delivery",
        delivery=row,
        package=datasets.visible_package(row.uri, _me()),
        label=machine.states[row.state].label,
        under_way=is_under_way(row),
        can_publish=row.state == "awaiting_approval" and row.approver is None,
        report=reports.page(configured(), row, offset, reports.FIRST_PAGE, request_language()),
        offset=offset,
        page_size=reports.FIRST_PAGE,
        version=versions.made_by(model.Session(), str(row.id)),
    )


@blueprint.post("/deliveries/<uuid:number>/publish")
def publish(number: UUID) -> Page:
    """Publish a delivery that passed its check."""
    row = _my_delivery(number)
    try:
        decide.approve(model.Session(), row, datasets.user_id(_me()))
        wait_for(model.Session(), row, tk.config["kzopen.answer_wait"])
    except KzError as error:
        tk.h.flash_error(error.text(request_language()))
    return tk.h.redirect_to("kzopen_staff.delivery", number=number)


def _me() -> str:
    return str(tk.current_user.name)


def _mine(uri: str) -> Any:
    """The passport of a data set that I may change; KzError otherwise."""
    passport = datasets.known_passport(model.Session(), uri)
    rights.require_editor(_me(), passport.package_id)
    return passport


def _my_delivery(number: UUID) -> Delivery:
    row = model.Session().get(Delivery, number)
    if row is None:
        raise KzError("publishing.unknown_delivery")
    if not rights.may_edit(_me(), row.package_id):
        raise KzError("publishing.not_readable")
    return row


def _in_words(errors: dict[str, KzError]) -> dict[str, str]:
    return {place: error.text(request_language()) for place, error in errors.items()}


def _page(name: str, **values: Any) -> str:
    return tk.render(f"staff/{name}.html", {"states": machine_of("delivery").states, **values})
