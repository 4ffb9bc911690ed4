"""`/staff`: what waits for me, the switch of agencies, the help page on the keyboard."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk import finding, own_findables, registry
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.terms import by_term
from ckanext.kzopen.core.desk.visitor import choose, visitor
from ckanext.kzopen.core.texts import ASTANA
from flask import request

LONGEST = 200
SHORTEST = 2
FINDABLES = own_findables  # they register themselves

blueprint = pages("kzopen_desk")


@blueprint.get("")
@blueprint.get("/")
def index() -> Page:
    """The tasks that wait for me, by how near the end of their term is."""
    who = visitor()
    groups = by_term(registry.tasks_of(model.Session, who), datetime.now(ASTANA).date())
    return tk.render("desk/index.html", {"groups": groups, "visitor": who})


@blueprint.post("/agency")
def switch() -> Page:
    """Look at one of my agencies, or at all of them."""
    choose(request.form.get("agency", ""))
    return tk.redirect_to(_own_path(request.form.get("back", "")))


@blueprint.get("/search")
def search() -> Page:
    """What I may see of what holds the words: data sets, deliveries, systems, people, agencies."""
    text = request.args.get("q", "").strip()[:LONGEST]
    hits = finding.found(model.Session, visitor(), text) if len(text) >= SHORTEST else []
    return tk.render("desk/search.html", {"q": text, "hits": hits, "too_short": 0 < len(text) < SHORTEST})


@blueprint.get("/help")
def help_page() -> Page:
    """How the workstation is used by keyboard."""
    return tk.render("desk/help.html")


def _own_path(given: str) -> str:
    """A page of the workstation to go back to, told without its language; anything else leads to its start."""
    parts = urlsplit(given)
    own = not parts.scheme and not parts.netloc and parts.path.split("/")[:2] == ["", "staff"] and "\\" not in given
    return str(tk.url_for(given if own else "kzopen_desk.index"))
