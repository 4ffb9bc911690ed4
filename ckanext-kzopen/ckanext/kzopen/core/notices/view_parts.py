"""What the pages of notices have in common: what a row is called, what a form says, answers that nobody else keeps."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.notices import targets
from ckanext.kzopen.core.people.throttle import Limit
from ckanext.kzopen.core.web.caching import uncached
from ckanext.kzopen.core.web.errors import KzError
from flask import Response, make_response, request

PER_VISITOR = Limit("notices.ask", 20, 3600)
Page = str | Response


def title_of(row: Any) -> Any:
    """What a subscription is to; None where that is gone, or hidden from its reader."""
    try:
        return targets.target_of(model.Session, row.what, row.target, row.reader).title
    except KzError:
        return None


def private(rendered: str) -> Response:
    """The address is a secret: no cache keeps the page, and no other site learns where the reader came from."""
    answer = uncached(make_response(rendered))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def whole_number(name: str) -> int:
    """A number of the form; KzError web.bad_input."""
    given = request.form.get(name, "")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise KzError("web.bad_input", problems=[name])
    return int(given)


def wish() -> str:
    """How the form says one is told: a pressed button of that name comes after the list, and counts."""
    given = request.form.getlist("how")
    return given[-1] if given else ""


def go_to(endpoint: str, **values: str) -> Response:
    answer: Response = tk.redirect_to(endpoint, **values)
    return answer
