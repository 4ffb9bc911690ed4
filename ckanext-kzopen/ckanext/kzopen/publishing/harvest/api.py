"""`/api/harvest/v1`: sources and their runs for programs and commands; with API tokens only, never a session."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ckan import model
from ckanext.kzopen.core.people import rights as people_rights
from ckanext.kzopen.core.web.caching import uncached
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem, request_language
from ckanext.kzopen.publishing import rights
from ckanext.kzopen.publishing.datasets import user_id
from ckanext.kzopen.publishing.harvest import answers, kinds, runs, sources
from ckanext.kzopen.publishing.harvest import model as tables
from ckanext.kzopen.publishing.harvest.mistakes import Mistakes
from ckanext.kzopen.publishing.harvest.model import Run, Source
from flask import Blueprint, Response, jsonify, request

blueprint = Blueprint("kzopen_harvest_api", __name__, url_prefix="/api/harvest/v1")
MOST_ITEMS = 1000


def caller() -> str:
    """The id of the token's holder."""
    return user_id(rights.holder_of_token(request.headers.get(rights.HEADER)).name)


def body() -> dict[str, Any]:
    """The object that was sent; KzError web.bad_input for anything else."""
    given = request.get_json(force=True, silent=True) if request.content_length else {}
    if not isinstance(given, dict):
        raise KzError("web.bad_input", problems="JSON")
    return given


def answered(told: Any, status: int = 200) -> Response:
    """JSON that no cache keeps."""
    response = jsonify(told)
    response.status_code = status
    return uncached(response)


def known(name: str, right: str = sources.SEE) -> Source:
    """The source for whose agency the caller holds the right; whoever may not see it is not told that it exists."""
    actor = caller()
    found = tables.source_named(model.Session(), name)
    if found is None or not people_rights.allowed(actor, sources.SEE, found):
        raise KzError("harvest.unknown_source")
    people_rights.require(actor, right, found)
    return found


def known_run(number: UUID, right: str = sources.SEE) -> tuple[Source, Run]:
    """The run and its source, likewise."""
    actor = caller()
    run = model.Session().get(Run, number)
    if run is None or not people_rights.allowed(actor, sources.SEE, run):
        raise KzError("harvest.unknown_run")
    people_rights.require(actor, right, run)
    return model.Session().get_one(Source, run.source_id), run


@blueprint.errorhandler(Mistakes)
def _mistakes(error: Mistakes) -> Response:
    """All that is wrong with a source: `errors` names each place."""
    language = request_language()
    found = [{"field": place, "code": told.code, "message": told.text(language)} for place, told in error.found.items()]
    return problem(error, language=language, errors=found)


@blueprint.get("/kinds")
def get_kinds() -> Response:
    """The kinds of sources with their settings."""
    people_rights.require(caller(), sources.SEE)
    language = request_language()
    return answered([answers.kind(one, language) for one in kinds.kinds().values()])


@blueprint.get("/sources")
def get_sources() -> Response:
    """The sources of the caller's agencies."""
    actor = caller()
    people_rights.require(actor, sources.SEE)
    agencies = people_rights.agencies_with(actor, sources.SEE)
    session = model.Session()
    return answered([answers.source(session, one) for one in tables.sources_of(session, agencies)])


@blueprint.post("/sources")
def post_source() -> Response:
    """Make a source: name, title, agency, kind, settings, defaults, schedule, threshold."""
    actor, given = caller(), body()
    people_rights.require(actor, sources.CHANGE)
    session = model.Session()
    source = sources.create(session, actor, str(given.get("agency") or ""), given, request.remote_addr)
    session.commit()
    return answered(answers.source(session, source), 201)


@blueprint.get("/sources/<name>")
def get_source(name: str) -> Response:
    """A source and its latest runs."""
    source, session = known(name), model.Session()
    history = [answers.run(session, one, request_language()) for one in tables.runs_of(session, source)]
    return answered(answers.source(session, source) | {"runs": history})


@blueprint.put("/sources/<name>")
def put_source(name: str) -> Response:
    """Describe a source anew."""
    source, session = known(name, sources.CHANGE), model.Session()
    sources.change(session, caller(), source, body(), request.remote_addr)
    session.commit()
    return answered(answers.source(session, source))


@blueprint.post("/sources/<name>/runs")
def post_run(name: str) -> Response:
    """Start a run; `purpose` is harvest, dry or preview."""
    purpose = str(body().get("purpose") or "harvest")
    if purpose not in ("harvest", "dry", "preview"):
        raise KzError("web.bad_input", problems="purpose: harvest, dry, preview")
    source = known(name, sources.RUN if purpose == "harvest" else sources.CHANGE)
    run = runs.start(model.Session(), source, purpose, caller(), request.remote_addr)
    model.Session().commit()
    return answered(answers.run(model.Session(), run, request_language()), 201)


@blueprint.post("/sources/<name>/<way>")
def post_switch(name: str, way: str) -> Response:
    """`switch_on`, `pause`, or `close` for ever (with a reason)."""
    source, session = known(name, sources.RUN), model.Session()
    sources.switch(session, caller(), source, way, str(body().get("reason") or ""), request.remote_addr)
    session.commit()
    return answered(answers.source(session, source))


@blueprint.get("/runs/<uuid:number>")
def get_run(number: UUID) -> Response:
    """Where a run stands."""
    _source, run = known_run(number)
    return answered(answers.run(model.Session(), run, request_language()))


@blueprint.get("/runs/<uuid:number>/items")
def get_items(number: UUID) -> Response:
    """The items of a run: all, of one outcome, `left` or `waiting` for a person (`outcome`, `offset`, `limit`)."""
    _source, run = known_run(number)
    limit = min(max(1, request.args.get("limit", 100, int)), MOST_ITEMS)
    offset = max(0, request.args.get("offset", 0, int))
    found = tables.items_of(model.Session(), run, request.args.get("outcome"), offset, limit)
    return answered(answers.items(model.Session(), found, request_language()))


@blueprint.post("/runs/<uuid:number>/retry")
def post_retry(number: UUID) -> Response:
    """A new run over the failed items (`guids`: only these); `columns: true` accepts changed columns."""
    source, run = known_run(number, sources.RUN)
    given = body()
    accept = {"columns": True} if given.get("columns") is True else {}
    guids = [str(one) for one in given["guids"]] if isinstance(given.get("guids"), list) else None
    fresh = runs.retry(model.Session(), source, run, caller(), guids, **accept)
    model.Session().commit()
    return answered(answers.run(model.Session(), fresh, request_language()), 201)


@blueprint.post("/runs/<uuid:number>/<way>")
def post_decision(number: UUID, way: str) -> Response:
    """`confirm_removals` or `keep_all` (with a reason), or `cancel`."""
    _source, run = known_run(number, sources.RUN)
    reason = str(body().get("reason") or "")
    runs.decide(model.Session(), run, way, caller(), reason, request.remote_addr)
    model.Session().commit()
    return answered(answers.run(model.Session(), run, request_language()))
