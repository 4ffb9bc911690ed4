"""Organisations through CKAN's action API: made when they are missing, changed when they differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from ckanext.kzopen.core.texts import LANGUAGES, in_language
from ckanext.kzopen.runtime.demo.api import Api, Refused
from ckanext.kzopen.runtime.demo.catalogue import TAG, Agency

Change = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True)
class Organisation:
    """What a portal knows of an agency; `facts` are extras without a language, such as its code."""

    name: str
    title: dict[str, str]
    description: dict[str, str]
    facts: dict[str, str] = field(default_factory=dict)
    parent: str | None = None

    def values(self) -> dict[str, Any]:
        """The arguments of `organization_create`; texts in several languages are JSON in extras `*_translated`."""
        translated = {"title_translated": self.title, "description_translated": self.description}
        extras = {key: json.dumps(words, ensure_ascii=False) for key, words in translated.items()} | self.facts
        return {
            "name": self.name,
            "title": in_language(self.title, LANGUAGES[0]),
            "description": in_language(self.description, LANGUAGES[0]),
            "extras": [{"key": key, "value": value} for key, value in sorted(extras.items())],
            "groups": [{"name": self.parent}] if self.parent else [],
        }


def of_agency(agency: Agency) -> Organisation:
    """The organisation of a demonstration agency, marked by the extra `demonstration`."""
    short = json.dumps(agency.short.given(), ensure_ascii=False)
    facts = {"code": agency.code, "kind": agency.kind, "short_translated": short, "demonstration": TAG}
    return Organisation(agency.name, agency.title.given(), agency.description.given(), facts, agency.parent)


def ensure(api: Api, wanted: Organisation) -> Change:
    """Make or change the organisation so that it is as wanted; raises Refused."""
    values = wanted.values()
    known = find(api, wanted.name)
    if known is None:
        api.action("organization_create", **values)
        return "created"
    if _same(known, values):
        return "unchanged"
    api.action("organization_patch", id=known["id"], **values)
    return "changed"


def ensure_all(api: Api, wanted: Iterable[Organisation]) -> dict[str, Change]:
    """`ensure` in the given order (parents first): what happened to each."""
    return {organisation.name: ensure(api, organisation) for organisation in wanted}


def find(api: Api, name: str) -> dict[str, Any] | None:
    """The organisation, or None."""
    wanted = {"include_users": False, "include_dataset_count": False, "include_followers": False, "include_tags": False}
    try:
        found: dict[str, Any] = api.action("organization_show", id=name, **wanted)
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise
    return found


def _same(known: dict[str, Any], values: dict[str, Any]) -> bool:
    def reduced(organisation: dict[str, Any]) -> tuple[Any, ...]:
        extras = {extra["key"]: extra["value"] for extra in organisation["extras"]}
        parents = [group["name"] for group in organisation["groups"]]
        return organisation["title"], organisation["description"], extras, parents

    return reduced(known) == reduced(values)
