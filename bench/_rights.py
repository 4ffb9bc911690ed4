"""The check of a right within a request, for somebody with several roles in a tree of two thousand agencies."""

from __future__ import annotations

import statistics
import time
from uuid import uuid4

from ckan import model
from ckanext.kzopen.core.agencies.model import Agency
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.assignments.change import assign
from flask import Flask
from sqlalchemy import Engine, event, insert

from bench.figures import Figure, below, told

AGENCIES, BRANCHES, ROLES = 2000, 20, 5
CHECKS = 5000
BAR_MS = 0.2


def figures(engine: Engine) -> list[Figure]:
    """The first check of a request reads the roles, every other one is answered without SQL."""
    model.init_model(engine)
    agencies, person = prepare()
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))
    with Flask("bench").test_request_context():
        first = timed(person, agencies[0])
        asked = len(statements)
        times = sorted(timed(person, agencies[n % AGENCIES]) for n in range(CHECKS))
    model.Session.remove()
    assert len(statements) == asked, f"{len(statements) - asked} statements after the first check"
    return [
        below("core.rights_check_p99", times[int(CHECKS * 0.99)], BAR_MS, "ms"),
        told("core.rights_check_p50", statistics.median(times), "ms"),
        told("core.rights_first_check", first, "ms"),
        told("core.rights_statements", asked, ""),
    ]


def timed(person: str, agency: str) -> float:
    """Milliseconds of one check."""
    started = time.perf_counter()
    rights.allowed(person, "publishing.see", agency)
    return (time.perf_counter() - started) * 1000


def prepare() -> tuple[list[str], str]:
    """Ministries with what is under them, and a person who administers some of the ministries."""
    agencies, person = [str(uuid4()) for _ in range(AGENCIES)], str(uuid4())
    organisation = {"type": "organization", "is_organization": True, "state": "active", "approval_status": "approved"}
    rows = [{"id": number, "name": f"bench-{number}", "title": "А", **organisation} for number in agencies]
    model.Session.execute(insert(model.Group), rows)
    parents = [None if n < BRANCHES else agencies[n % BRANCHES] for n in range(AGENCIES)]
    shown = [
        {"id": number, "state": "active", "address": f"bench-{number}", "parent": parent}
        for number, parent in zip(agencies, parents, strict=True)
    ]
    model.Session.execute(insert(Agency), shown)
    who = {"id": person, "name": f"bench-{person}", "password": "x", "state": "active", "sysadmin": False}
    model.Session.execute(insert(model.User).values(**who))
    for agency in agencies[:ROLES]:
        assign(model.Session, person, "agency_administrator", agency, "system:bench")
    model.Session.commit()
    return agencies, person
