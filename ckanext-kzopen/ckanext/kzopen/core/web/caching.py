"""Answers that no cache may keep."""

from __future__ import annotations

from flask import Response, request


def uncached(response: Response) -> Response:
    """Neither the browser nor anything between keeps the answer; CKAN adds `private` instead of `public` to it."""
    request.environ["__no_cache__"] = True
    response.cache_control.no_store = True
    return response
