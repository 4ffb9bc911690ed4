"""The universal API, `/api/universal/v1`: an agency's system publishes its data sets by itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem, request_language
from ckanext.kzopen.core.withdrawal import refuse_if_gone
from ckanext.kzopen.core.withdrawal.tombstones import withdrawn_versions
from ckanext.kzopen.publishing import answers, datasets, decide, input_errors, openapi, receive, reports, rights
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.passport import Passport as Described
from ckanext.kzopen.publishing.passport import Uri
from ckanext.kzopen.publishing.site import Site, configured
from ckanext.kzopen.publishing.waiting import is_under_way, wait_for
from ckanext.kzopen.rows import model as versions
from flask import Blueprint, Response, request
from pydantic import BaseModel, TypeAdapter, ValidationError
from werkzeug.http import parse_options_header

blueprint = Blueprint("kzopen_universal_api", __name__, url_prefix="/api/universal/v1")

SMALL = 1 << 20  # bytes of a body that is answered at once
LARGEST_PASSPORT = 1 << 20
URI = TypeAdapter(Uri)


def answered(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The model as JSON that no cache keeps."""
    response = Response(body.model_dump_json(by_alias=True), status=status, content_type="application/json", headers=headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def sender() -> str:
    """The name of the token's holder."""
    return rights.holder_of_token(request.headers.get(rights.HEADER))


def _reader() -> str:
    """Whoever reads: the token's holder, or "" for anyone. A session cookie does not count."""
    return sender() if request.headers.get(rights.HEADER) else ""


def _deliverable(uri: str) -> tuple[str, Passport]:
    """Who sends, and the passport of the data set to which they may deliver."""
    user = sender()
    passport = datasets.known_passport(model.Session(), uri)
    rights.require(user, rights.DELIVER, passport.package_id)
    return user, passport


@blueprint.errorhandler(ValidationError)
def _wrong_input(error: ValidationError) -> Response:
    language = request_language()
    found = [
        {"field": place, "code": told.code, "message": told.text(language)}
        for place, told in input_errors.by_place(error).items()
    ]
    problems = "; ".join(f"{row['field']}: {row['message']}" if row["field"] else row["message"] for row in found)
    return problem(KzError("web.bad_input", problems=problems), language=language, errors=found)


@blueprint.put("/datasets/<uri>")
def put_dataset(uri: str) -> Response:
    """Create a data set or change its passport."""
    user = sender()
    URI.validate_python(uri)
    if (request.content_length or 0) > LARGEST_PASSPORT:
        raise KzError("publishing.too_large", limit=LARGEST_PASSPORT)
    described = Described.model_validate_json(request.stream.read(LARGEST_PASSPORT + 1))
    saved = datasets.save(model.Session(), user, uri, described, address=request.remote_addr)
    return answered(_dataset(configured(), uri, user), 201 if saved.created else 200)


@blueprint.get("/datasets/<uri>")
def get_dataset(uri: str) -> Response:
    """The passport of a data set and its current version."""
    return answered(_dataset(configured(), uri, _reader()))


def _dataset(site: Site, uri: str, user: str) -> answers.DatasetAnswer:
    passport = datasets.known_passport(model.Session(), uri)
    package = datasets.visible_package(passport, user)
    return answers.dataset_answer(site, package, passport, versions.latest(model.Session(), uri))


def _seen(uri: str) -> None:
    """Raise KzError publishing.unknown_dataset unless the reader may see the data set."""
    datasets.visible_package(datasets.known_passport(model.Session(), uri), _reader())


@blueprint.get("/datasets/<uri>/versions")
def get_versions(uri: str) -> Response:
    """The versions of a table, newest first."""
    _seen(uri)
    site = configured()
    found = versions.all_of(model.Session(), uri)
    shown = [answers.version_answer(site, version) for version in found]
    return answered(answers.VersionsAnswer(uri=uri, versions=shown, withdrawn=_withdrawn(uri), thinned=_thinned(uri)))


def _thinned(uri: str) -> list[answers.ThinnedAnswer]:
    gone = versions.thinned(model.Session(), uri)
    return [answers.ThinnedAnswer.model_validate(version, from_attributes=True) for version in gone]


def _withdrawn(uri: str) -> list[answers.TombstoneAnswer]:
    rows = withdrawn_versions(model.Session(), datasets.known_passport(model.Session(), uri).package_id)
    return [answers.TombstoneAnswer(number=row.parts["number"], at=row.at, reason=row.reason, law=row.law) for row in rows]


@blueprint.get("/datasets/<uri>/versions/<int:number>/diff")
def get_difference(uri: str, number: int) -> Response:
    """What a version changed against the one before it, or, with `against=`, against any other."""
    _seen(uri)
    version = versions.numbered(model.Session(), uri, number)
    if version is None:
        refuse_if_gone(model.Session(), "version", f"{datasets.known_passport(model.Session(), uri).package_id}/{number}")
        raise KzError("publishing.unknown_version", uri=uri, number=str(number))
    against = request.args.get("against", type=int)
    if against is None:
        earlier = number - 1 if number > 1 else None
        return answered(answers.DifferenceAnswer(uri=uri, number=number, against=earlier, difference=version.difference))
    old = versions.numbered(model.Session(), uri, against)
    if old is None:
        refuse_if_gone(model.Session(), "version", f"{version.package_id}/{against}")
        raise KzError("publishing.unknown_version", uri=uri, number=str(against))
    # Loaded here: web processes carry the libraries that read files only once they are asked for this.
    from ckanext.kzopen.rows import difference

    found = difference.between(model.Session(), configured().files_url, old, version)
    return answered(answers.DifferenceAnswer(uri=uri, number=number, against=against, difference=found.to_dict()))


@blueprint.post("/datasets/<uri>/rows")
def post_rows(uri: str) -> Response:
    """Receive rows; a small body is answered when it is published or refused, a large one with the delivery's address.

    Rows of somebody who may not approve wait, checked, for somebody who may.
    """
    user, passport = _deliverable(uri)
    site = configured()
    stream, file_name, media_type, length = _body()
    sending = receive.Sending(
        mode=request.args.get("mode", "replace"),
        sender=datasets.user_id(user),
        source="command" if request.headers.get("X-Kzopen-Source") == "command" else "api",
        check_only=request.args.get("check") == "only" or not rights.may(user, rights.APPROVE, passport.package_id),
        media_type=media_type,
        file_name=file_name,
        key=request.headers.get("Idempotency-Key"),
        address=request.remote_addr,
        length=length,
    )
    outcome = receive.deliver(model.Session(), site.files_url, passport, sending, stream, site.largest)
    if outcome.delivery.size <= SMALL:
        wait_for(model.Session(), outcome.delivery, tk.config["kzopen.answer_wait"])
    return _delivered(site, outcome.delivery, repeated=outcome.repeated)


def _body() -> tuple[Any, str | None, str | None, int | None]:
    """The stream of rows with its name, media type and length; a form's part named `file` is taken too (curl -F)."""
    if request.mimetype == "multipart/form-data":
        part = request.files.get("file")
        if part is None:
            raise KzError("publishing.no_rows")
        return part.stream, part.filename, part.mimetype, None
    _, options = parse_options_header(request.headers.get("Content-Disposition", ""))
    name = options.get("filename")
    return request.stream, name[:255] if name else None, request.mimetype or None, request.content_length


def _delivered(site: Site, delivery: Delivery, *, repeated: bool = False) -> Response:
    language = request_language()
    version = versions.made_by(model.Session(), str(delivery.id))
    body = answers.delivery_answer(site, delivery, version, language)
    headers = {"Location": body.links["self"]} | ({"Idempotent-Replayed": "true"} if repeated else {})
    if delivery.state == "refused":
        report = reports.page(site, delivery, 0, reports.FIRST_PAGE, language)
        error = KzError("publishing.refused", errors=delivery.wrong or 0)
        return problem(error, headers=headers, delivery=body.model_dump(mode="json"), report=report.model_dump(mode="json"))
    return answered(body, 202 if is_under_way(delivery) else 200, headers)


def _readable_delivery(number: UUID) -> Delivery:
    user = sender()
    delivery = model.Session().get(Delivery, number)
    if delivery is None:
        raise KzError("publishing.unknown_delivery")
    if not rights.may(user, rights.SEE, delivery.package_id):
        raise KzError("publishing.not_readable")
    return delivery


@blueprint.get("/deliveries/<uuid:number>")
def get_delivery(number: UUID) -> Response:
    """Where a delivery stands."""
    delivery = _readable_delivery(number)
    version = versions.made_by(model.Session(), str(delivery.id))
    return answered(answers.delivery_answer(configured(), delivery, version, request_language()))


@blueprint.get("/deliveries/<uuid:number>/report")
def get_report(number: UUID) -> Response:
    """A page of what the check found."""
    delivery = _readable_delivery(number)
    offset = max(0, request.args.get("offset", 0, int))
    limit = min(max(1, request.args.get("limit", reports.FIRST_PAGE, int)), reports.LARGEST_PAGE)
    return answered(reports.page(configured(), delivery, offset, limit, request_language()))


@blueprint.post("/deliveries/<uuid:number>/approve")
def approve_delivery(number: UUID) -> Response:
    """Publish a delivery that was only checked."""
    delivery = _readable_delivery(number)
    rights.require(sender(), rights.APPROVE, delivery.package_id)
    user = datasets.user_id(sender())
    decide.approve(model.Session(), delivery, user)
    wait_for(model.Session(), delivery, tk.config["kzopen.answer_wait"])
    return _delivered(configured(), delivery)


@blueprint.get("/openapi.json")
def get_openapi() -> Response:
    """This API, as OpenAPI 3.1."""
    return openapi.response(configured().address)
