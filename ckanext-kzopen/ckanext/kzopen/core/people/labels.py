"""Whose private data sets and drafts somebody sees: those of the agencies for which they hold `datasets.see`.

CKAN asks one plugin for the labels of readers, and shows a data set to whom shares a label with it, in pages, API and search.
"""

from __future__ import annotations

from typing import Any

from ckan import model, plugins
from ckan.lib.plugins import DefaultPermissionLabels
from ckanext.kzopen.core.people import rights
from sqlalchemy import select

SEE = "datasets.see"


def of_user(plugin: Any, user: Any) -> list[str]:
    """The labels that another plugin or CKAN gives, and those of the agencies that the roles of the staff open."""
    found: list[str] = _beside(plugin).get_user_dataset_labels(user)
    if not user or user.is_anonymous:
        return found
    agencies = rights.agencies_with(str(user.id), SEE)
    return list(dict.fromkeys([*found, *(f"member-{agency}" for agency in (_all() if agencies is None else agencies))]))


def of_dataset(plugin: Any, package: Any) -> list[str]:
    """As another plugin or CKAN labels it: `public`, `member-<agency>` …"""
    found: list[str] = _beside(plugin).get_dataset_labels(package)
    return found


def _beside(plugin: Any) -> Any:
    others = (found for found in plugins.PluginImplementations(plugins.IPermissionLabels) if found is not plugin)
    return next(others, None) or DefaultPermissionLabels()


def _all() -> list[str]:
    return list(model.Session.scalars(select(model.Group.id).where(model.Group.is_organization.is_(True))))
