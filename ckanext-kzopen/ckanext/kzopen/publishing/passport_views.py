"""The staff's form of a passport: made, changed, its columns taken from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.publishing import classifiers, datasets, forms, input_errors, proposal, rights, staff
from ckanext.kzopen.publishing.answers import dataset_answer
from ckanext.kzopen.publishing.desk import Page, blueprint, me, mine, show
from ckanext.kzopen.publishing.passport import Passport as Described
from ckanext.kzopen.publishing.passport import Uri
from ckanext.kzopen.publishing.site import configured
from flask import request
from pydantic import TypeAdapter, ValidationError

URI = TypeAdapter(Uri)
CELLS = {"publishing.input_pattern": "pattern", "publishing.input_enum": "enum"}
"""The cell of a column's row beside which a fault of the column is told; others stand beside its name."""


@blueprint.route("/datasets/new", methods=["GET", "POST"])
def new_dataset() -> Page:
    """The form of a new passport."""
    if not rights.may_create(me()):
        raise KzError("web.not_allowed", right=rights.CHANGE)
    values = dict(request.form) if request.method == "POST" else {"owner": request.args.get("owner") or _only_owner()}
    return _passportshow(None, values)


def _only_owner() -> str:
    """The agency of whoever has one only: there is nothing to choose."""
    possible = rights.organizations_of(me(), rights.CHANGE)
    return str(possible[0]["name"]) if len(possible) == 1 else ""


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
    spare = 0 if uri else forms.SPARE_COLUMNS
    if request.method == "POST":
        if "take" in values:
            values, errors = _columns_from_file(values)
            spare = 0 if errors else spare
        elif "more" in values:
            spare = forms.MORE_COLUMNS
        else:
            errors, saved = _saved(uri, values)
            spare = 0  # a form with mistakes has its empty rows already
            if saved:
                tk.h.flash_success(tk._("The passport has been saved."))
                return tk.h.redirect_to("kzopen_staff.dataset", uri=saved)
    return show(
        "passport",
        uri=uri,
        values=values,
        errors=_in_words(errors),
        columns=max(forms.columns_in(values) + spare, forms.SPARE_COLUMNS),
        responsible_hint=staff.RESPONSIBLE_HINT,
        organizations=rights.organizations_of(me(), rights.CHANGE),
        categories=staff.choices("category"),
        periodicities=staff.choices("periodicity"),
        types=staff.type_labels(),
        reference_tables=classifiers.offered(model.Session(), uri or ""),
    )


def _saved(uri: str | None, values: forms.Values) -> tuple[dict[str, KzError], str | None]:
    """All that is wrong with the form, or the name of the data set that was saved."""
    name = uri or values.get("uri", "")
    errors = {} if uri else _wrong_name(name)
    told, known = forms.described(values), {} if uri is None else mine(uri, rights.CHANGE).schema
    if uri is not None:
        seen = forms.with_notation(values), forms.references_in(values)
        told["schema"] = forms.keep_unseen(told["schema"], known, *seen)
    errors |= _wrong_references(name, values, known)
    try:
        described = Described.model_validate(told)
    except ValidationError as error:
        return errors | _by_input(input_errors.by_place(error), values), None
    if errors:
        return errors, None
    try:
        datasets.save(model.Session(), me(), name, described, address=request.remote_addr)
    except KzError as error:
        return {"uri" if error.code == "publishing.uri_is_taken" else "": error}, None
    return {}, name


def _wrong_name(name: str) -> dict[str, KzError]:
    try:
        URI.validate_python(name)
    except ValidationError:
        return {"uri": KzError("publishing.input_uri")}
    return {}


def _wrong_references(name: str, values: forms.Values, known: Mapping[str, Any]) -> dict[str, KzError]:
    """What columns are said to refer to and is neither a reference table nor a column of this one; another table to which
    they referred before is left alone."""
    before, found = forms.references_of(known), dict[str, KzError]()
    rows = dict(zip(forms.columns_named(values), forms.named_rows(values), strict=True))
    for column, told in forms.references_in(values).items():
        place, own = f"columns.{rows[column]}.reference", forms.own_column(told)
        if own is not None:
            found |= {} if own in rows else {place: KzError("publishing.no_own_column", name=own)}
        elif told and told != before.get(column) and (told == name or not classifiers.is_one(model.Session(), told)):
            found[place] = KzError("publishing.no_reference_table", uri=told)
    return found


def _by_input(errors: dict[str, KzError], values: forms.Values) -> dict[str, KzError]:
    """The errors by the inputs beside which they are told, in words for people; "schema" is the table of columns."""
    rows = forms.named_rows(values)
    return {_input(place, error, rows): _for_people(place, error, values) for place, error in errors.items()}


def _input(place: str, error: KzError, rows: list[int]) -> str:
    parts = place.split(".")
    if parts[0] == "keywords":
        return ".".join(parts[:2])
    if parts[:2] == ["schema", "fields"] and len(parts) > 2:
        return f"columns.{rows[int(parts[2])]}.{CELLS.get(error.code, 'name')}"
    return place


def _for_people(place: str, error: KzError, values: forms.Values) -> KzError:
    """A form has lists where the API has codes, and asks for the responsible only because somebody gave an address."""
    if error.code == "publishing.input_choice":
        return KzError("publishing.choose_from_list")
    address = values.get("responsible.email") or values.get("responsible.phone")
    if place.startswith("responsible.name.") and error.code == "publishing.input_missing" and address:
        return KzError("publishing.input_responsible")
    return error


def _columns_from_file(values: forms.Values) -> tuple[forms.Values, dict[str, KzError]]:
    from ckanext.kzopen.validation.cells import Unreadable

    part = request.files.get("sample")
    if part is None or not part.filename:
        return values, {"sample": KzError("publishing.no_file")}
    with NamedTemporaryFile(prefix="kzopen-sample-") as file:
        part.save(file)
        file.flush()
        if not file.tell():
            return values, {"sample": KzError("publishing.empty_file")}
        try:
            schema = proposal.proposed(Path(file.name), with_notation=True)
        except Unreadable:
            return values, {"sample": KzError("publishing.not_a_table")}
    rest = {name: text for name, text in values.items() if not name.startswith("columns.")}
    tables, looked_up = forms.references_in(values), forms.looked_up(values)  # a file does not tell them
    fields = [field | ({"indexed": True} if field["name"] in looked_up else {}) for field in schema["fields"]]
    return rest | forms.columns_as_values(fields, schema.get("primaryKey") or [], tables), {}


def _in_words(errors: dict[str, KzError]) -> dict[str, str]:
    return {place: error.text(request_language()) for place, error in errors.items()}
