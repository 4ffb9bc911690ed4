"""`/api/figures/v1`: the figures, their series as JSON and CSV, and the rows behind a value. For everyone."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

from ckan import model
from ckanext.kzopen.core.agencies import names
from ckanext.kzopen.core.figures.periods import span_of
from ckanext.kzopen.core.figures.registry import Figure, figures, known
from ckanext.kzopen.core.figures.series import behind, revisions, series
from ckanext.kzopen.core.web.errors import KzError
from flask import Blueprint, Response, jsonify, request

blueprint = Blueprint("kzopen_figures_api", __name__, url_prefix="/api/figures/v1")


@blueprint.get("")
def index() -> Response:
    """All figures with their titles, units and periods."""
    return jsonify(figures=[described(figure) for figure in figures()])


def described(figure: Figure) -> dict[str, Any]:
    """A figure as programs read it."""
    here = f"{request.host_url.rstrip('/')}/api/figures/v1/{figure.name}"
    links = {"series": here, "csv": f"{here}.csv"} | ({"rows": f"{here}/rows"} if figure.rows else {})
    return {
        "name": figure.name,
        "title": figure.title,
        "unit": figure.unit,
        "period": figure.period.value,
        "links": links,
    }


@blueprint.get("/<name>")
def show(name: str) -> Response:
    """The series of one figure, the newest period first; `agency`, `from` and `to` choose."""
    figure, agency = known(name), asked_agency()
    points = series(model.Session(), name, agency, asked_day("from"), asked_day("to"))
    values = [
        {"start": p.start.isoformat(), "value": number(p.value), "revised": p.revised.isoformat() if p.revised else None}
        for p in points
    ]
    told = described(figure) | {"agency": agency, "agency_name": _name(agency), "values": values}
    return jsonify(told)


@blueprint.get("/<name>.csv")
def as_csv(name: str) -> Response:
    """The same as CSV: start, value, revised."""
    known(name)
    points = series(model.Session(), name, asked_agency(), asked_day("from"), asked_day("to"))
    rows = [[p.start.isoformat(), number(p.value), p.revised.isoformat() if p.revised else ""] for p in points]
    return _csv(name, ["start", "value", "revised"], rows)


@blueprint.get("/<name>/rows")
def rows(name: str) -> Response:
    """The rows behind the value of the period in which `start` lies, and how that value was revised."""
    figure = known(name)
    if figure.rows is None:
        raise KzError("figures.no_rows", name=name)
    start = asked_day("start")
    if start is None:
        raise KzError("figures.bad_day", given="")
    span, session = span_of(figure.period, start), model.Session()
    found = figure.rows(session, span, behind(session, asked_agency()))
    changes = [{key: _plain(value) for key, value in row.items()} for row in revisions(session, name, span.start)]
    told = [{key: _plain(value) for key, value in row.items()} for row in found]
    return jsonify(figure=name, start=span.start.isoformat(), end=span.end.isoformat(), rows=told, revisions=changes)


def asked_agency() -> str | None:
    """The id of the agency that the request names by id or name, None for the whole portal; KzError when unknown."""
    given = request.args.get("agency")
    if not given:
        return None
    found = model.Group.get(given)
    if found is None or not found.is_organization:
        raise KzError("figures.unknown_agency", agency=given)
    return str(found.id)


def asked_day(name: str) -> date | None:
    """A day that the request names; KzError figures.bad_day."""
    given = request.args.get(name)
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise KzError("figures.bad_day", given=given) from None


def number(value: Decimal) -> int | float:
    """A value as JSON tells it."""
    return int(value) if value == value.to_integral_value() else float(value)


def _name(agency: str | None) -> dict[str, str] | None:
    return None if agency is None else dict(names.name_of(model.Session(), agency))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    return value if value is None or isinstance(value, str | int | float | bool) else value.isoformat()


def _csv(name: str, header: list[str], rows: list[list[Any]]) -> Response:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerows([header, *rows])
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(target.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
