"""The universal API, `/api/universal/v1`: an agency's system publishes its data sets by itself."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.systems.model import PASSPORT
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem, request_language
from ckanext.kzopen.core.withdrawal import refuse_if_gone
from ckanext.kzopen.core.withdrawal.tombstones import withdrawn_versions
from ckanext.kzopen.publishing import (
    admission,
    answers,
    bodies,
    datasets,
    differences,
    formats,
    input_errors,
    openapi,
    recorded,
    rights,
)
from ckanext.kzopen.publishing.calls import DifferenceQuery, query
from ckanext.kzopen.publishing.model import Passport
from ckanext.kzopen.publishing.passport import Passport as Described
from ckanext.kzopen.publishing.passport import Uri
from ckanext.kzopen.publishing.site import Site, configured
from ckanext.kzopen.rows import model as versions
from flask import Blueprint, Response, g, request
from pydantic import BaseModel, TypeAdapter, ValidationError

blueprint = Blueprint("kzopen_universal_api", __name__, url_prefix="/api/universal/v1")

LARGEST_PASSPORT = 1 << 20
MOST_MISTAKES = 100
URI = TypeAdapter(Uri)


def answered(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The model as JSON that no cache keeps."""
    response = Response(body.model_dump_json(by_alias=True), status=status, content_type="application/json", headers=headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def holder() -> rights.Holder:
    """The token's holder, whose request is counted once."""
    if "kzopen_holder" not in g:
        g.kzopen_holder = rights.holder_of_token(request.headers.get(rights.HEADER))
        admission.count(g.kzopen_holder.name)
    found: rights.Holder = g.kzopen_holder
    return found


def sender() -> str:
    """The name of the token's holder."""
    return holder().name


def _reader() -> str:
    """Whoever reads: the token's holder, or "" for anyone. A session cookie does not count."""
    return sender() if request.headers.get(rights.HEADER) else ""


def deliverable(uri: str, mode: str) -> tuple[str, Passport]:
    """Who sends, and the passport of the data set to which they may deliver by this mode."""
    user = sender()
    passport = datasets.known_passport(model.Session(), uri)
    rights.require(user, rights.DELIVER, passport.package_id)
    holder().require(mode)
    return user, passport


blueprint.after_request(admission.tell)


@blueprint.errorhandler(admission.TooMany)
def _too_many(error: admission.TooMany) -> Response:
    return problem(error, headers={"Retry-After": str(error.retry_after)})


@blueprint.errorhandler(ValidationError)
def _wrong_input(error: ValidationError) -> Response:
    language = request_language()
    mistakes = list(input_errors.by_place(error).items())
    if len(mistakes) > MOST_MISTAKES:
        left = KzError("publishing.too_many_mistakes", left=len(mistakes) - MOST_MISTAKES)
        mistakes = [*mistakes[:MOST_MISTAKES], ("", left)]
    found = [{"field": place[:200], "code": told.code, "message": told.text(language)} for place, told in mistakes]
    problems = "; ".join(f"{row['field']}: {row['message']}" if row["field"] else row["message"] for row in found)
    return problem(KzError("web.bad_input", problems=problems), language=language, errors=found)


@blueprint.put("/datasets/<uri>")
def put_dataset(uri: str) -> Response:
    """Create a data set or change its passport."""
    user = sender()
    holder().require(PASSPORT)
    URI.validate_python(uri)
    described = Described.model_validate_json(small_body())
    saved = datasets.save(model.Session(), user, uri, described, address=request.remote_addr)
    return answered(_dataset(configured(), uri, user), 201 if saved.created else 200)


def small_body() -> bytes:
    """A body of JSON; KzError for one that is too large, stalls or says that it is something else."""
    if request.mimetype not in formats.ANY | {"application/json"}:
        raise KzError("publishing.not_accepted", given=request.mimetype[:100], accepted=["application/json"])
    if (request.content_length or 0) > LARGEST_PASSPORT:
        raise KzError("publishing.too_large", limit=LARGEST_PASSPORT)
    with bodies.incoming() as body:
        found = b""
        while chunk := body.read():
            found += chunk
            if len(found) > LARGEST_PASSPORT:
                raise KzError("publishing.too_large", limit=LARGEST_PASSPORT)
    return found


@blueprint.get("/datasets/<uri>")
def get_dataset(uri: str) -> Response:
    """The passport of a data set and its current version."""
    return answered(_dataset(configured(), uri, _reader()))


def _dataset(site: Site, uri: str, user: str) -> answers.DatasetAnswer:
    passport = datasets.known_passport(model.Session(), uri)
    package = datasets.visible_package(passport, user)
    current = versions.latest(model.Session(), uri)
    place = recorded.of_version(model.Session(), current) if current else None
    return answers.dataset_answer(site, package, passport, current, place)


def _seen(uri: str) -> None:
    """Raise KzError publishing.unknown_dataset unless the reader may see the data set."""
    datasets.visible_package(datasets.known_passport(model.Session(), uri), _reader())


@blueprint.get("/datasets/<uri>/versions")
def get_versions(uri: str) -> Response:
    """The versions of a table, newest first."""
    _seen(uri)
    site = configured()
    found = versions.all_of(model.Session(), uri)
    places = recorded.of_all(model.Session(), found[0].package_id) if found else {}
    shown = [answers.version_answer(site, version, places.get(version.number)) for version in found]
    return answered(answers.VersionsAnswer(uri=uri, versions=shown, withdrawn=_withdrawn(uri), thinned=_thinned(uri)))


def _thinned(uri: str) -> list[answers.ThinnedAnswer]:
    gone = versions.thinned(model.Session(), uri)
    return [answers.ThinnedAnswer.model_validate(version, from_attributes=True) for version in gone]


def _withdrawn(uri: str) -> list[answers.TombstoneAnswer]:
    rows = withdrawn_versions(model.Session(), datasets.known_passport(model.Session(), uri).package_id)
    return [answers.TombstoneAnswer(number=row.parts["number"], at=row.at, reason=row.reason, law=row.law) for row in rows]


@blueprint.get("/datasets/<uri>/versions/<int:number>/diff")
def get_difference(uri: str, number: int) -> Response:
    """What a version changed against the one before it, or any other."""
    _seen(uri)
    wanted = query(DifferenceQuery).against
    version = _version(uri, number)
    if wanted is not None and wanted != number - 1:
        other = _version(uri, wanted)
        difference = differences.between(model.Session(), configured().files_url, other, version)
        return answered(answers.DifferenceAnswer(uri=uri, number=number, against=wanted, difference=difference))
    against = number - 1 if number > 1 else None
    return answered(answers.DifferenceAnswer(uri=uri, number=number, against=against, difference=version.difference))


def _version(uri: str, number: int) -> versions.Version:
    found = versions.numbered(model.Session(), uri, number)
    if found is None:
        refuse_if_gone(model.Session(), "version", f"{datasets.known_passport(model.Session(), uri).package_id}/{number}")
        raise KzError("publishing.unknown_version", uri=uri, number=str(number))
    return found


@blueprint.get("/openapi.json")
def get_openapi() -> Response:
    """This API, as OpenAPI 3.1."""
    return openapi.response(configured().address, request_language())


@blueprint.get("/docs")
def get_page() -> str:
    """This API, as a page to browse."""
    language = request_language()
    page: str = tk.render("universal_api.html", {"document": openapi.document(configured().address, language)})
    return page
