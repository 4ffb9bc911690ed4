"""410: a page for people, a problem object for programs."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.core.texts import LANGUAGES, in_language
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem
from ckanext.kzopen.core.web.problem import request_language as language
from ckanext.kzopen.core.withdrawal.model import Withdrawal
from ckanext.kzopen.core.withdrawal.tombstones import Gone
from flask import Flask, Response, g, render_template, request

Answer = Response | tuple[str, int]


def install(app: Flask) -> None:
    """Let pages and APIs that come upon a tombstone tell of it."""
    app.register_error_handler(Gone, answer)
    app.after_request(tell_callers_of_actions)


def tell_callers_of_actions(response: Response) -> Response:
    """CKAN's action API takes every error that it does not know for a fault of the portal: tell what it was."""
    refused: KzError | None = g.get("kzopen_withdrawn")
    if refused is None or request.endpoint != "api.action" or response.status_code != 500:
        return response
    members: dict[str, Any] = {"success": False, "error": {"__type": "Withdrawn", "message": refused.text(language())}}
    if isinstance(refused, Gone):
        members["withdrawn"] = told(refused.withdrawal)
    return problem(refused, **members)


def answer(error: Gone) -> Answer:
    """What the reader of a withdrawn thing gets: nothing of it, but when and why it was withdrawn."""
    if not _prefers_page():
        return problem(error, withdrawn=told(error.withdrawal))
    shown = {"withdrawal": error.withdrawal, "languages": [*_reason_order(error.withdrawal)], "code": 410}
    return render_template("withdrawal/gone.html", **shown), 410


def told(row: Withdrawal) -> dict[str, Any]:
    """A tombstone as programs read it."""
    return {
        "kind": row.kind,
        "name": row.name,
        "title": row.title,
        "at": row.at.isoformat(),
        "reason": row.reason,
        "law": row.law,
        "complete": row.complete.isoformat() if row.complete else None,
    }


def _prefers_page() -> bool:
    """Whether the caller asks for a page before JSON; programs that take anything get the problem object."""
    if request.path.startswith("/api/"):
        return False
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _reason_order(row: Withdrawal) -> list[tuple[str, str]]:
    """The reason in each language that it is given in, the reader's first."""
    order = sorted(LANGUAGES, key=lambda candidate: candidate != language())
    return [(one, in_language({one: row.reason[one]}, one)) for one in order if row.reason.get(one)]
