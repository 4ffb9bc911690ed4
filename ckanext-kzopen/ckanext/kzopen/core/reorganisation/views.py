"""The page of the tree of agencies: readable and searchable without scripts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.kinds import GROUP_NAMES
from ckanext.kzopen.core.agencies.model import KINDS
from ckanext.kzopen.core.reorganisation import searching, showing
from ckanext.kzopen.core.texts import in_language
from flask import Blueprint, request
from sqlalchemy import func, select

blueprint = Blueprint("kzopen_agencies", __name__)
LONGEST_QUERY = 200
QUOTES = " «»“”„\"'"
Node = dict[str, Any]


@blueprint.get("/organization/tree")
def tree() -> str:
    """All agencies by kind, each with those below it; with `q` only those found, and those above them."""
    query = " ".join(request.args.get("q", "").split())[:LONGEST_QUERY]
    rows = sorted(showing.listed(model.Session), key=by_depth_and_name)
    total = len(rows)
    if query:
        rows = searching.with_those_above(rows, searching.matching(model.Session, query))
    found = sum(row.get("found", True) for row in rows)
    counts = data_sets()
    groups = [(GROUP_NAMES[kind], nodes) for kind in KINDS if (nodes := nested(rows, kind, counts))]
    return str(tk.render("agencies/tree.html", {"groups": groups, "query": query, "found": found, "total": total}))


def by_depth_and_name(row: Node) -> tuple[int, str]:
    """Those above first, then by the name in the reader's language without the quotation marks that begin it."""
    return row["depth"], in_language(row["title"], str(tk.h.lang())).casefold().lstrip(QUOTES)


def nested(rows: Iterable[Node], kind: str, counts: dict[str, int]) -> list[Node]:
    """The agencies of one kind that answer to nobody, each with `below`; the rows come parents before children."""
    nodes: dict[str, Node] = {}
    top: list[Node] = []
    for row in rows:
        node = {**row, "below": [], "data_sets": counts.get(row["id"], 0)}
        nodes[row["id"]] = node
        above = nodes.get(row["parent"] or "")
        if above is not None:
            above["below"].append(node)
        elif row["kind"] == kind:
            top.append(node)
    return top


def data_sets() -> dict[str, int]:
    """How many public data sets each agency has."""
    package = model.Package
    query = select(package.owner_org, func.count()).where(package.state == "active", package.private.is_(False))
    return {owner: number for owner, number in model.Session.execute(query.group_by(package.owner_org)) if owner}
