"""What all of publishing's staff pages share: whose data set it is, how a page is made."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import desk
from ckanext.kzopen.core.desk import Page, me
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.publishing import datasets, rights
from ckanext.kzopen.publishing.model import Passport

__all__ = ["Page", "blueprint", "me", "mine", "show"]

blueprint = desk.pages("kzopen_staff")


def mine(uri: str, right: str = rights.SEE) -> Passport:
    """The passport of a data set for whose agency I hold the right; KzError otherwise."""
    passport = datasets.known_passport(model.Session(), uri)
    rights.require(me(), right, passport.package_id)
    return passport


def show(name: str, **values: Any) -> str:
    """One page of the staff, with the names of the states of deliveries."""
    return tk.render(f"staff/{name}.html", {"states": machine_of("delivery").states, **values})
