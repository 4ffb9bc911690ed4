"""Removes demonstration content and nothing else: what is marked as such and was not taken over by others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ckanext.kzopen.runtime.demo import organisations
from ckanext.kzopen.runtime.demo.api import Api
from ckanext.kzopen.runtime.demo.catalogue import TAG, agencies

PAGE = 1000


@dataclass(frozen=True)
class Removal:
    """What would go: names of data sets, then of organisations, children first; `kept` says what stays and why."""

    data_sets: list[str]
    organisations: list[str]
    kept: dict[str, str]


def plan(api: Api) -> Removal:
    """What belongs to the demonstration: its agencies by name and mark, and their data sets that carry its tag.

    An agency stays when somebody has published something of their own under it, and with it the one it answers to.
    """
    removal = Removal([], [], {})
    for agency in reversed(agencies()):
        organisation = organisations.find(api, agency.name)
        if organisation is None or not _is_marked(organisation):
            continue
        ours, others = _data_sets(api, organisation)
        removal.data_sets.extend(ours)
        below = [child.name for child in agencies() if child.parent == agency.name and child.name in removal.kept]
        if others:
            removal.kept[agency.name] = f"owns {', '.join(others)}, which is not demonstration content"
        elif below:
            removal.kept[agency.name] = f"stands above {', '.join(below)}"
        else:
            removal.organisations.append(agency.name)
    return removal


def carry_out(api: Api, removal: Removal) -> None:
    """Purge what was planned: passports, versions and rows go with their data sets; raises Refused."""
    for name in removal.data_sets:
        api.action("dataset_purge", id=name)
    for name in removal.organisations:
        api.action("organization_purge", id=name)


def _is_marked(organisation: dict[str, Any]) -> bool:
    return {"key": "demonstration", "value": TAG} in [{k: e[k] for k in ("key", "value")} for e in organisation["extras"]]


def _data_sets(api: Api, organisation: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the organisation's data sets: the demonstration's, and others."""
    query = {"fq": f'owner_org:"{organisation["id"]}"', "include_private": True, "include_drafts": True, "rows": PAGE}
    found = api.action("package_search", **query)["results"]
    ours = [package["name"] for package in found if TAG in {tag["name"] for tag in package["tags"]}]
    return ours, sorted({package["name"] for package in found} - set(ours))
