"""`/figures`: the figures of the portal for readers, as tables that need no script."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.figures.api import asked_agency
from ckanext.kzopen.core.figures.registry import figures, known
from ckanext.kzopen.core.figures.series import series
from flask import Blueprint

blueprint = Blueprint("kzopen_figures", __name__, url_prefix="/figures")
SHOWN = 60


@blueprint.get("")
def index() -> str:
    """All figures with the value of their last finished and their running period."""
    rows = [(figure, series(model.Session(), figure.name, asked_agency(), limit=2)) for figure in figures()]
    return str(tk.render("figures/index.html", {"rows": rows, "agency": _agency()}))


@blueprint.get("/<name>")
def show(name: str) -> str:
    """One figure by period."""
    figure = known(name)
    points = series(model.Session(), name, asked_agency(), limit=SHOWN)
    largest = max((point.value for point in points), default=0)
    values = {"figure": figure, "points": points, "largest": largest, "agency": _agency()}
    return str(tk.render("figures/show.html", values))


def _agency() -> str | None:
    found = model.Group.get(tk.request.args.get("agency") or "")
    return str(found.name) if found else None
