"""`/staff/roles`: who of the staff may do what, for everybody of the staff."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.people import rights, roles

TITLE = {"kk": "Рөлдер мен құқықтар", "ru": "Роли и права", "en": "Roles and rights"}

blueprint = pages("kzopen_staff_roles")
register(Desk("roles", TITLE, "/staff/roles", order=95))


@blueprint.get("/roles")
def index() -> Page:
    """The table role × right × reach, and the reader's own roles."""
    own = rights.roles_of(visitor().id)
    return tk.render("people_staff/roles.html", {"sections": roles.table(), "roles": roles.known().roles, "own": own})
