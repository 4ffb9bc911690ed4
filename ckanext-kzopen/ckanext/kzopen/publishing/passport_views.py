"""The staff's form of a passport: made, changed, its columns taken from a file."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.publishing import datasets, forms, input_errors, proposal, rights, staff
from ckanext.kzopen.publishing.answers import dataset_answer
from ckanext.kzopen.publishing.desk import Page, blueprint, me, mine, show
from ckanext.kzopen.publishing.passport import Passport as Described
from ckanext.kzopen.publishing.passport import Uri
from ckanext.kzopen.publishing.site import configured
from flask import request
from pydantic import TypeAdapter, ValidationError

URI = TypeAdapter(Uri)


@blueprint.route("/datasets/new", methods=["GET", "POST"])
def new_dataset() -> Page:
    """The form of a new passport."""
    if not rights.may_create(me()):
        raise KzError("web.not_allowed", right=rights.CHANGE)
    values = dict(request.form) if request.method == "POST" else {"owner": request.args.get("owner", "")}
    return _passportshow(None, values)


@blueprint.route("/datasets/<uri>/edit", methods=["GET", "POST"])
def edit_dataset(uri: str) -> Page:
    """The form of a passport that exists."""
    passport = mine(uri, rights.CHANGE)
    if request.method == "POST":
        return _passportshow(uri, dict(request.form))
    package = datasets.visible_package(passport, me())
    answer = dataset_answer(configured(), package, passport, None)
    return _passportshow(uri, forms.values_of(answer.model_dump(by_alias=True)))


def _passportshow(uri: str | None, values: forms.Values) -> Page:
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
    return show(
        "passport",
        uri=uri,
        values=values,
        errors=_in_words(errors),
        columns=count,
        organizations=rights.organizations_of(me(), rights.CHANGE),
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
        told["schema"] = forms.keep_unseen(told["schema"], mine(uri, rights.CHANGE).schema)
    try:
        datasets.save(model.Session(), me(), name, Described.model_validate(told), address=request.remote_addr)
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
            schema = proposal.proposed(Path(file.name))
        except Unreadable:
            return values, {"sample": KzError("publishing.not_a_table")}
    rest = {name: text for name, text in values.items() if not name.startswith("columns.")}
    return rest | forms.columns_as_values(schema["fields"], schema.get("primaryKey") or []), {}


def _in_words(errors: dict[str, KzError]) -> dict[str, str]:
    return {place: error.text(request_language()) for place, error in errors.items()}
