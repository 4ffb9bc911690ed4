"""`/staff/harvest`: the sources of my agencies, their runs, what went wrong, and what waits for a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import desk
from ckanext.kzopen.core.desk import Page, visitor
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.texts import Words, in_language
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.publishing import staff
from ckanext.kzopen.publishing.harvest import answers, form, health, kinds, runs, sources
from ckanext.kzopen.publishing.harvest import model as tables
from ckanext.kzopen.publishing.harvest.mistakes import Gathered, placed
from ckanext.kzopen.publishing.harvest.model import Run, Source
from ckanext.kzopen.publishing.rights import organizations_of
from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

TITLE = {"kk": "Дерек жинау", "ru": "Сбор данных", "en": "Harvesting"}
CONFIRM = {"kk": "Кері қайтарып алуды растау", "ru": "Подтвердить отзыв наборов", "en": "Confirm the withdrawals"}
MEND = {"kk": "Дереккөздің қатесін түзету", "ru": "Исправить неудачи источника", "en": "Mend the source's failures"}
SHOWN = 50
ABOUT = ("name", "title", "schedule", "threshold")
ENGINE = ("category", "periodicity", "prefix", "pause", "approve")
"""What the form asks beside the settings of the kind."""
FRACTIONS = ("threshold", "pause")

blueprint = desk.pages("kzopen_harvest")


def waiting(session: Session, who: desk.Visitor) -> Iterable[desk.Task]:
    """Runs whose removals wait for a person, and sources that have failed for days."""
    agencies = who.scope(sources.RUN)
    wanted = select(Run, Source).join(Source, Source.id == Run.source_id).where(Run.state == "awaiting_confirmation")
    wanted = wanted if agencies is None else wanted.where(Run.agency_id.in_(agencies))
    for run, source in session.execute(wanted.order_by(Run.created)):
        yield desk.Task(source.title, f"/staff/harvest/runs/{run.id}", CONFIRM, run.agency_id, None, run.created)
    active, now = [one for one in tables.sources_of(session, agencies) if one.state == "active"], datetime.now(UTC)
    found = health.of_sources(session, active, now) if active else {}
    for source in active:
        failing = found[source.id].since if found[source.id].state == "failing" else None
        if failing and now - failing > health.WORRYING:
            yield desk.Task(source.title, f"/staff/harvest/{source.name}", MEND, source.agency_id, None, failing)


desk.register(desk.Desk("harvest", TITLE, "/staff/harvest", sources.SEE, waiting, order=30))


@blueprint.get("/harvest")
def index() -> Page:
    """The sources of my agencies with the newest run of each."""
    who, session = visitor(), model.Session()
    who.require(sources.SEE)
    found = tables.sources_of(session, who.scope(sources.SEE))
    newest = {source.id: next(iter(tables.runs_of(session, source, 1)), None) for source in found}
    well = health.of_sources(session, found, datetime.now(UTC))
    return _shown("index", sources=found, newest=newest, health=well, may_create=who.may(sources.CHANGE), kinds=kinds.kinds())


@blueprint.route("/harvest/new", methods=["GET", "POST"])
def new() -> Page:
    """Make a source: first its kind, then its settings."""
    visitor().require(sources.CHANGE)
    kind = request.values.get("kind", "")
    if kind not in kinds.kinds():
        return _shown("kinds", kinds=kinds.kinds())
    return _form(None, kind)


@blueprint.route("/harvest/<name>/edit", methods=["GET", "POST"])
def edit(name: str) -> Page:
    """Describe a source anew."""
    source = mine(name, sources.CHANGE)
    return _form(source, source.kind)


def _form(source: Source | None, kind: str) -> Page:
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            return _saved(source, kind)
        except KzError as refused:
            model.Session.rollback()
            errors = _at_fields(refused, request_language())
    agencies = organizations_of(visitor().name, sources.CHANGE)
    settings_model = kinds.kind_named(kind).settings_model
    stored = form.shown(settings_model, source.settings if source else {})
    engine = {name: form.as_text((source.defaults if source else {}).get(name)) for name in ENGINE}
    only = {"agency": agencies[0]["name"]} if len(agencies) == 1 else {}
    about = {name: form.as_text(getattr(source, name)) for name in ABOUT} if source else only
    return _shown(
        "form",
        source=source,
        kind=kinds.kind_named(kind),
        kind_fields=form.fields_of(settings_model),
        values=dict(request.form) if request.method == "POST" else {**about, **engine, **stored},
        errors=errors,
        agencies=agencies,
        categories=staff.choices("category"),
        periodicities=staff.choices("periodicity"),
    )


def _at_fields(refused: KzError, language: str) -> dict[str, str]:
    """What is wrong by the fields of the form; "" is what belongs to none of them."""
    found: dict[str, list[str]] = {}
    for place, error in placed(refused).items():
        found.setdefault(_field_of(place), []).append(error.text(language))
    return {field: " ".join(dict.fromkeys(sentences)) for field, sentences in found.items()}


def _field_of(place: str) -> str:
    within, _, rest = place.partition(".")
    name = rest.split(".")[0]
    if within == "settings":
        return f"setting-{name}"
    asked = within in (*ABOUT, "agency") or (within == "defaults" and name in ENGINE)
    return (name or within) if asked else ""


def _saved(source: Source | None, kind: str) -> Page:
    session, me, values = model.Session(), visitor().id, request.form
    given = typed(values, kind, source.defaults if source else {})
    name = source.name if source else given["name"]
    mistakes = Gathered()
    with mistakes.more():
        if source is None:
            sources.create(session, me, values.get("agency", ""), given, request.remote_addr)
        else:
            sources.change(session, me, source, given, request.remote_addr)
    if not str(given["title"]).strip():
        mistakes.found["title"] = KzError("publishing.input_missing")
    mistakes.refuse()
    session.commit()
    tk.h.flash_success(tk._("The source has been saved. Look at its first items next."))
    return tk.h.redirect_to("kzopen_harvest.show", name=name)


def typed(values: Mapping[str, str], kind: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What the form says, as `sources` takes it; of the engine's settings it keeps those of `defaults` that it does not ask.

    Numbers may have a decimal comma, as people here write them.
    """
    values = dict(values) | {name: values[name].replace(",", ".") for name in FRACTIONS if name in values}
    engine = {name: value for name, value in defaults.items() if name not in ENGINE}
    engine |= {name: text for name in ENGINE if (text := values.get(name, "").strip())}
    given: dict[str, Any] = {name: values.get(name, "").strip() for name in ABOUT}
    settings = form.typed(kinds.kind_named(kind).settings_model, values)
    return given | {"kind": kind, "settings": settings, "defaults": engine}


@blueprint.get("/harvest/<name>")
def show(name: str) -> Page:
    """A source with the history of its runs."""
    source, session = mine(name), model.Session()
    history = [answers.run(session, run, request_language()) for run in tables.runs_of(session, source)]
    who = visitor()
    return _shown(
        "source",
        source=source,
        kind=kinds.kind_named(source.kind),
        runs=history,
        label=machine_of("harvest_source").states[source.state].label,
        settings=_settings_shown(source),
        may_change=who.may(sources.CHANGE, source),
        may_run=who.may(sources.RUN, source),
        busy=any(run["under_way"] for run in history),
    )


def _settings_shown(source: Source) -> list[tuple[Words, str]]:
    """The settings with their labels, those that were set; secrets are not among them."""
    fields = form.fields_of(kinds.kind_named(source.kind).settings_model)
    return [(field.label, _told_of(field, source.settings[field.name])) for field in fields if field.name in source.settings]


def _told_of(field: form.FormField, value: Any) -> str:
    """The value of a setting as people read it."""
    if field.type == "yes":
        return str(tk._("yes") if value else tk._("no"))
    words = field.choices.get(str(value))
    return in_language(words, request_language()) if words else form.as_text(value)


@blueprint.post("/harvest/<name>/runs")
def start(name: str) -> Page:
    """Start a run of the kind that the button names."""
    source = mine(name)
    purpose = request.form.get("purpose", "")
    if purpose not in ("harvest", "dry", "preview"):
        raise KzError("web.not_found")
    run = _told(lambda: runs.start(model.Session(), source, purpose, visitor().id, request.remote_addr))
    if run is None:
        return tk.h.redirect_to("kzopen_harvest.show", name=name)
    return tk.h.redirect_to("kzopen_harvest.run", number=run.id)


@blueprint.post("/harvest/<name>/state")
def switch(name: str) -> Page:
    """Switch the source on, let it pause, or close it."""
    source, way, reason = mine(name), request.form.get("way", ""), request.form.get("reason", "")
    _told(lambda: sources.switch(model.Session(), visitor().id, source, way, reason, request.remote_addr))
    return tk.h.redirect_to("kzopen_harvest.index" if source.state == "closed" else "kzopen_harvest.show", name=name)


@blueprint.get("/harvest/runs/<uuid:number>")
def run(number: UUID) -> Page:
    """A run: how far it is, its items, what is wrong with each, what waits for a decision."""
    source, row = my_run(number)
    session, language = model.Session(), request_language()
    outcome, offset = request.args.get("outcome", ""), max(0, request.args.get("offset", 0, int))
    items = tables.items_of(session, row, outcome or None, offset, SHOWN + 1)
    return _shown(
        "run",
        source=source,
        run=answers.run(session, row, language),
        label=machine_of("harvest_run").states[row.state].label,
        items=answers.items(session, items[:SHOWN], language),
        more=len(items) > SHOWN,
        offset=offset,
        shown=SHOWN,
        outcome=outcome,
        may_run=visitor().may(sources.RUN, row),
    )


@blueprint.post("/harvest/runs/<uuid:number>/decision")
def decide(number: UUID) -> Page:
    """Confirm the removals, keep everything, or cancel the run."""
    _source, row = my_run(number)
    way, reason = request.form.get("way", ""), request.form.get("reason", "")
    _told(lambda: runs.decide(model.Session(), row, way, visitor().id, reason, request.remote_addr))
    return tk.h.redirect_to("kzopen_harvest.run", number=number)


@blueprint.post("/harvest/runs/<uuid:number>/again")
def again(number: UUID) -> Page:
    """Try failed items again: one or all."""
    source, row = my_run(number)
    guids = request.form.getlist("guid") or None
    accept = {"columns": True} if request.form.get("columns") else {}
    fresh = _told(lambda: runs.retry(model.Session(), source, row, visitor().id, guids, **accept))
    return tk.h.redirect_to("kzopen_harvest.run", number=fresh.id if fresh else number)


def mine(name: str, right: str = sources.SEE) -> Source:
    """The source of that name, for whose agency I hold the right; KzError otherwise."""
    found = tables.source_named(model.Session(), name)
    if found is None or not visitor().may(sources.SEE, found):
        raise KzError("harvest.unknown_source")
    visitor().require(right, found)
    return found


def my_run(number: UUID) -> tuple[Source, Run]:
    """The run of that number and its source, likewise."""
    found = model.Session().get(Run, number)
    if found is None or not visitor().may(sources.SEE, found):
        raise KzError("harvest.unknown_run")
    return model.Session().get_one(Source, found.source_id), found


def _told(act: Any) -> Any:
    """Do it and commit; an objection is shown on the next page."""
    try:
        done = act()
        model.Session.commit()
    except KzError as objection:
        model.Session.rollback()
        if objection.code in ("web.not_allowed", "web.not_found"):
            raise
        tk.h.flash_error(objection.text(request_language()))
        return None
    return done


def _shown(page: str, **values: Any) -> str:
    states = {"source_states": machine_of("harvest_source").states, "run_states": machine_of("harvest_run").states}
    return tk.render(f"harvest/{page}.html", {**states, **values})
