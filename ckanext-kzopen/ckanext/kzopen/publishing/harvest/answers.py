"""What the API, the commands and the pages tell of sources, runs and items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ckan import model
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.core.web.errors import KzError, template
from ckanext.kzopen.publishing.harvest import form, undecided
from ckanext.kzopen.publishing.harvest.kinds import AnyHarvester
from ckanext.kzopen.publishing.harvest.model import (
    COUNTS,
    NEEDS_DECISION,
    OPEN,
    WAS_REFUSED,
    Item,
    Run,
    Source,
    counted,
    seconds_of_last,
    worked_on,
)
from ckanext.kzopen.publishing.harvest.pace import by_history, pace
from sqlalchemy.orm import Session


def kind(one: type[AnyHarvester], language: str) -> dict[str, Any]:
    """A kind with its settings, in words."""
    fields = [
        {
            "name": field.name,
            "label": in_language(field.label, language),
            "hint": in_language(field.hint, language) if field.hint else "",
            "type": field.type,
            "required": field.required,
            "choices": {value: in_language(words, language) for value, words in field.choices.items()},
        }
        for field in form.fields_of(one.settings_model)
    ]
    return {"name": one.name, "label": in_language(one.label, language), "settings": fields}


def source(session: Session, one: Source) -> dict[str, Any]:
    """A source; secrets are never told, only that there are some."""
    agency = model.Group.get(one.agency_id)
    names = ("name", "title", "kind", "settings", "defaults", "schedule", "threshold", "state")
    told = {name: getattr(one, name) for name in names}
    told |= {"agency": agency.name if agency else one.agency_id, "has_secrets": one.secrets is not None}
    return told | {"previewed": one.previewed == one.fingerprint, "next_run": moment(one.next_run)}


def run(session: Session, one: Run, language: str) -> dict[str, Any]:
    """A run with its counts: those of this moment while it is under way. `waiting` are those whose deliveries wait for a
    person now, whatever their outcome."""
    counts: dict[str, int | None] = {name: getattr(one, name) for name in COUNTS}
    found = counted(session, one) if one.finished is None else {}
    if one.finished is None:
        counts = {name: found.get(name, 0) for name in COUNTS}
    label = machine_of("harvest_run").states[one.state].label
    told: dict[str, Any] = {
        "id": str(one.id),
        "purpose": one.purpose,
        "state": one.state,
        "state_label": in_language(label, language),
    }
    told |= {"seen": one.seen, **counts, "left": found.get(None, 0), "waiting": undecided.how_many(session, one)}
    told |= {"told": one.told, "complete": one.complete}
    told |= {"under_way": one.state in OPEN, "bytes": one.bytes, "error": one.error}
    told["sentence"] = sentence(one.error, one.error_params, language)
    told |= _pace(session, one)
    return told | {name: moment(getattr(one, name)) for name in ("created", "started", "discovered", "finished")}


def _pace(session: Session, one: Run) -> dict[str, Any]:
    """Items a second, seconds left and the expected end: by its own pace once items are being fetched and some are there,
    before that by the source's earlier runs, without a rate. Each None where nothing is known."""
    found, now = None, datetime.now(UTC)
    since = one.discovered or one.started
    if one.state == "fetching" and since:
        found = pace(*worked_on(session, one), since, now)
    if found is None and one.state in OPEN:
        found = by_history(seconds_of_last(session, one), one.started or one.created, now)
    if found is None:
        return {"rate": None, "seconds_left": None, "expected_end": None}
    rate = None if found.rate is None else float(f"{found.rate:.3g}")
    return {"rate": rate, "seconds_left": round(found.left), "expected_end": moment(found.end)}


def items(session: Session, found: Sequence[Item], language: str) -> list[dict[str, Any]]:
    """Items with what is wrong with each, in words; of one on which a person had to decide, what was decided."""
    states = undecided.states_of(session, found)
    return [_item(one, language, states) for one in found]


def _item(one: Item, language: str, states: Mapping[UUID, str]) -> dict[str, Any]:
    names = ("guid", "uri", "outcome", "removal", "attempts", "differences")
    told = {name: getattr(one, name) for name in names}
    told |= {"delivery": str(one.delivery_id) if one.delivery_id else None, "finished": moment(one.finished)}
    error, params = one.error, one.error_params
    if error == NEEDS_DECISION:
        state = states.get(one.delivery_id) if one.delivery_id else None
        if state == undecided.REFUSED:
            error, params = WAS_REFUSED, {}
        else:
            error, params = (error, {"state": machine_of("delivery").states[state].label}) if state else (None, {})
    return told | {"error": error, "sentence": sentence(error, params, language), "next_try": moment(one.next_try)}


def sentence(code: str | None, params: Mapping[str, Any], language: str) -> str:
    """What a stored error says to the reader; "" for none. Its code alone when its sentence has other parts by now."""
    if not code:
        return ""
    try:
        return KzError(code, **params).text(language) if template(code) else code
    except KeyError:
        return code


def moment(value: Any) -> str | None:
    """A moment as programs read it."""
    return value.isoformat() if value is not None else None
